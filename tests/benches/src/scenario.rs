//! What the pipeline is counted in.

use crate::pipeline::{Bodies, Change, Subject, Wanted};
use std::fmt;

/// As the template sets it.
const SHIPPED_BATCH: usize = 10;

/// How the notifications come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// One a minute, each in a batch of its own: whatever is remembered for a short while has been forgotten.
    Sparse,
    /// So many in each batch, at one moment.
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

    /// How many notifications are counted: several batches, where those are small, and as many minutes as it takes for everything that is
    /// remembered but the token to be asked for again.
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
    /// Whether they were heard of before.
    pub known: bool,
    pub bodies: Bodies,
}

impl Scenario {
    /// Those that are counted with this traffic: every kind in batches as the template asks for them, else the cheapest and the dearest.
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

    /// What Visma Net sends in a busy hour, answered, with the resources fetched or not.
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
