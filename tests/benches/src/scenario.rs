//! The scenarios in which the pipeline is counted.

use crate::pipeline::{Bodies, Change, Subject, Wanted};
use std::fmt;

/// The template's default.
const SHIPPED_BATCH: usize = 10;

/// How the notifications arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// One a minute, each in its own batch: short-lived caches have expired.
    Sparse,
    /// This many per batch, at the same moment.
    Busy(usize),
}

impl Traffic {
    pub const ALL: [Self; 3] = [Self::Sparse, Self::Busy(10), Self::Busy(100)];

    pub fn batch(self) -> usize {
        match self {
            Self::Sparse => 1,
            Self::Busy(batch) => batch,
        }
    }

    /// How many notifications are counted: several batches if they are small, and enough minutes
    /// that every cache except the token's expires.
    pub fn notifications(self) -> usize {
        match self {
            Self::Sparse => 20,
            Self::Busy(batch) => batch.max(20),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    pub traffic: Traffic,
    pub wanted: Wanted,
    pub subject: Subject,
    /// Whether the entities are already known.
    pub known: bool,
    pub bodies: Bodies,
}

impl Scenario {
    /// The scenarios with this traffic: every kind for the template's batches, otherwise the
    /// cheapest and the most expensive.
    pub fn of(traffic: Traffic) -> Vec<Self> {
        let of = |fetch, feedback| {
            let wanted = Wanted { fetch, feedback };
            Self { traffic, wanted, subject: Subject::Account, known: true, bodies: Bodies::Padded }
        };
        let (least, most) = (of(false, false), of(true, true));
        if traffic.batch() != SHIPPED_BATCH {
            return vec![least, most];
        }
        let new = Self { known: false, ..most };
        [least, of(false, true), of(true, false), most, new].into_iter().chain(Self::usual()).collect()
    }

    /// The usual notifications of a busy hour, with feedback, and with or without fetching.
    pub fn usual() -> impl Iterator<Item = Self> {
        let (traffic, bodies) = (Traffic::Busy(SHIPPED_BATCH), Bodies::Bare);
        [Subject::Account, Subject::PurchaseOrder].into_iter().flat_map(move |subject| {
            let wanted = |fetch| Wanted { fetch, feedback: true };
            [true, false].map(|fetch| Self { traffic, wanted: wanted(fetch), subject, known: true, bodies })
        })
    }

    pub fn change(self, status: &'static str) -> Change {
        Change { subject: self.subject, status, bodies: self.bodies }
    }

    pub fn all() -> Vec<Self> {
        Traffic::ALL.into_iter().flat_map(Self::of).collect()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.traffic {
            Traffic::Sparse => f.write_str("sparse")?,
            Traffic::Busy(batch) => write!(f, "batches of {batch}")?,
        }
        let Wanted { fetch, feedback } = self.wanted;
        let parts = [
            (fetch, "fetch"),
            (feedback, "feedback"),
            (self.subject == Subject::PurchaseOrder, "documents"),
            (!self.known, "new accounts"),
            (self.bodies == Bodies::Bare, "short bodies"),
        ];
        parts.into_iter().filter(|(holds, _)| *holds).try_for_each(|(_, part)| write!(f, ", {part}"))
    }
}
