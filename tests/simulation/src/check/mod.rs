//! The invariants, which are checked at every step. The README defines them.

mod at_rest;
mod command;
mod in_motion;
mod marks;
mod met;
mod probes;
mod promises;
mod removal;
mod requests;

pub(crate) use command::{Commands, PAUSES, waiting};
pub(crate) use in_motion::{Answer, Asked};
pub(crate) use marks::is_acknowledged;
pub use met::Met;
pub(crate) use probes::Writer;
pub(crate) use requests::{Command, Meant, Target};

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
    WaitsAsTold,
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

/// Everything that the checks have seen so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) violation: Option<Violation>,
    /// The number of injected faults and repeated messages. Each may repeat a call.
    pub(crate) faults: u32,
    /// The notifications that SQS has accepted.
    pub(crate) accepted: BTreeSet<String>,
    /// Notifications whose message one attempt deleted during another. If the other gives up, there is
    /// nothing to redrive.
    pub(crate) out_of_reach: BTreeSet<String>,
    /// The events that the integrator has read.
    consumed: BTreeSet<String>,
    /// The published events by notification key, without the parts that the ERP may change in
    /// between, and how each was to be answered.
    events: BTreeMap<String, (String, String)>,
    /// Whether the settings have changed how actions are answered.
    pub(crate) routes_were_rewritten: bool,
    /// Whether the settings have changed which names they explain.
    pub(crate) names_were_rewritten: bool,
    /// Ids under which several items of one delivery came, with these.
    pub(crate) shared: BTreeMap<Uuid, Vec<String>>,
    /// The feedback that Visma Net accepted, by notification id.
    taken: BTreeMap<Uuid, Vec<Told>>,
    /// Notifications that had ended before the attempt began, by instance.
    ended_before: BTreeMap<usize, BTreeSet<String>>,
    /// Notifications whose changes were too late in this attempt, and those in time, by instance.
    late: BTreeMap<usize, BTreeSet<String>>,
    timely: BTreeMap<usize, BTreeSet<String>>,
    /// The notifications that each instance works on, and how often each was attempted and
    /// published.
    attempted: BTreeMap<usize, BTreeSet<String>>,
    attempts: BTreeMap<String, usize>,
    publications: BTreeMap<String, usize>,
    /// The keys of what was held before the attempt began, with the number of actions on it, by
    /// instance.
    held_before: BTreeMap<usize, BTreeMap<(String, String), usize>>,
    /// Attempts at messages that the queue will not deliver again, by instance.
    last_attempts: BTreeMap<usize, BTreeSet<String>>,
    /// Content that had ended well under another id before the attempt began, with its partition,
    /// by instance.
    repeated: BTreeMap<usize, BTreeSet<(String, String)>>,
    /// The decided feedback that an instance of the feedback function has read, by notification.
    decided: BTreeMap<usize, BTreeMap<String, String>>,
    /// Notifications that may need the reconciler: they waited without a message, or it has touched
    /// them.
    left_to_reconciler: BTreeSet<String>,
    /// The number of messages for each notification that SQS has accepted.
    times_taken: BTreeMap<String, usize>,
    /// Notifications that were dead at some time.
    were_dead: BTreeSet<String>,
    pub(crate) commands: Commands,
    pub(crate) resends: requests::Resends,
    pub(crate) pacing: promises::Pacing,
    /// The value of the event counter at the store's last write.
    pub(crate) latest_write: u64,
    pub(crate) met: BTreeSet<Met>,
    kept: removal::Kept,
    erased: removal::Erased,
    /// Ids that came again after their records may have been erased.
    answered_anew: BTreeSet<Uuid>,
}

/// The feedback that an accountant reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) is_success: bool,
    pub(crate) description: String,
    pub(crate) source: String,
}

impl Checks {
    /// Keeps the first violation.
    pub(crate) fn violated(&mut self, invariant: Invariant, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    pub(crate) fn require(&mut self, holds: bool, invariant: Invariant, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.violated(invariant, otherwise());
        }
    }
}

/// A shortened key that still tells keys apart.
pub(crate) fn short(sort_key: &str) -> String {
    let id = sort_key.rsplit('.').next().unwrap_or_default();
    let content = sort_key.trim_start_matches("N#").get(..6).unwrap_or(sort_key);
    if id.is_empty() { content.to_owned() } else { format!("{content}…{}", &id[id.len().saturating_sub(4)..]) }
}
