//! The invariants, looked at with every step. Definitions are in the README.

mod acknowledged;
mod at_rest;
mod command;
mod in_motion;
mod kept;
mod marks;
mod met;
mod probes;
mod promises;
mod resends;

pub(crate) use acknowledged::is_acknowledged;
pub(crate) use command::{Command, Commands, Meant, Target, waiting};
pub(crate) use in_motion::{Answer, Asked};
pub use met::Met;
pub(crate) use probes::Writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// The invariants of `ARCHITECTURE.md`, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    OneWriteBeforeAck = 1,
    NobodyUnverified,
    OneTerminalState,
    ForwardOnly,
    PoisonFailsAlone,
    NoForeignUrl,
    OneFeedback,
    IdentifyOrPark,
    CommandIsKept,
    ErasedIsErased,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {} ({:?}): {}", self.invariant as u8, self.invariant, self.what)
    }
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) violation: Option<Violation>,
    /// Faults injected, and messages handed out again: each may repeat a call.
    pub(crate) faults: u32,
    /// The notifications that SQS has taken.
    pub(crate) accepted: BTreeSet<String>,
    /// Whose message an earlier attempt deleted while a later one was at work. If that gives up, nothing is left to redrive.
    pub(crate) out_of_reach: BTreeSet<String>,
    /// The events that the integrator has read.
    consumed: BTreeSet<String>,
    /// What was published, by notification key, without what the ERP may change in between; and how it was to be answered.
    events: BTreeMap<String, (String, String)>,
    /// Actions may be answered in another way than at first.
    pub(crate) routes_were_rewritten: bool,
    /// What Visma Net took, by notification id.
    taken: BTreeMap<Uuid, Vec<Told>>,
    /// What had ended before the attempt began, by instance.
    ended_before: BTreeMap<usize, BTreeSet<String>>,
    /// Whose changes came too late in this attempt, and whose did not, by instance.
    late: BTreeMap<usize, BTreeSet<String>>,
    timely: BTreeMap<usize, BTreeSet<String>>,
    /// What each instance is at work on, and how often each notification was attempted and published.
    attempted: BTreeMap<usize, BTreeSet<String>>,
    attempts: BTreeMap<String, usize>,
    publications: BTreeMap<String, usize>,
    /// Attempts at messages that the queue will not hand out again, by instance.
    last_attempts: BTreeMap<usize, BTreeSet<String>>,
    /// Whose content had ended well under another id before the attempt began, and in which partition, by instance.
    repeated: BTreeMap<usize, BTreeSet<(String, String)>>,
    /// What an instance of the feedback function has read as decided, by notification.
    decided: BTreeMap<usize, BTreeMap<String, String>>,
    /// What may have to wait for the reconciler, since it waited without a message, or the reconciler has touched it.
    left_to_reconciler: BTreeSet<String>,
    /// In how many messages SQS has taken each.
    times_taken: BTreeMap<String, usize>,
    /// What was dead at some time.
    were_dead: BTreeSet<String>,
    pub(crate) commands: Commands,
    pub(crate) resends: resends::Resends,
    /// The count of everything that happens, when the store last wrote.
    pub(crate) latest_write: u64,
    pub(crate) met: BTreeSet<Met>,
    kept: kept::Kept,
}

/// What an accountant reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) is_success: bool,
    pub(crate) description: String,
    pub(crate) source: String,
}

impl Checks {
    /// The first one stands.
    pub(crate) fn violated(&mut self, invariant: Invariant, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    pub(crate) fn require(&mut self, holds: bool, invariant: Invariant, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.violated(invariant, otherwise());
        }
    }
}

/// Enough of a key to tell one from another.
pub(crate) fn short(sort_key: &str) -> String {
    let id = sort_key.rsplit('.').next().unwrap_or_default();
    let content = sort_key.trim_start_matches("N#").get(..6).unwrap_or(sort_key);
    if id.is_empty() { content.to_owned() } else { format!("{content}…{}", &id[id.len().saturating_sub(4)..]) }
}
