//! What schedules have met: a check of what never happens says nothing.

use super::{Checks, Writer};
use crate::actors::Function;
use crate::writes::received_at;
use webhooks_store::Write;

/// A thing that a promise has to survive, and that comes about in some schedules only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// The processor wrote of a notification that was received later than it was by its own clock.
    ReceivedAhead,
    /// Visma Net refused a feedback whose id it knows.
    FeedbackRefused,
    /// And took it later.
    TakenAfterRefusal,
    /// A delivery was signed with a secret that a newer one had ended.
    OldSecret,
    /// An attempt went by settings that had just been replaced.
    OldSettings,
    LanguageRewritten,
    /// DynamoDB deleted what had expired.
    Expired,
    /// A pause lasted for longer than what is not paused is kept, and something waited for its end.
    PausedBeyondRetention,
    /// What somebody had acknowledged failed again.
    FailedAgain,
    /// A job sent parked feedback again.
    ResentByFilter,
}

impl Met {
    pub const ALL: [Self; 10] = [
        Self::ReceivedAhead,
        Self::FeedbackRefused,
        Self::TakenAfterRefusal,
        Self::OldSecret,
        Self::OldSettings,
        Self::LanguageRewritten,
        Self::Expired,
        Self::PausedBeyondRetention,
        Self::FailedAgain,
        Self::ResentByFilter,
    ];
}

impl Checks {
    pub(crate) fn meets(&mut self, what: Met) {
        self.met.insert(what);
    }

    pub(super) fn meets_clocks(&mut self, writer: Writer, write: &Write) {
        let is_ahead = received_at(write).is_some_and(|received| received > writer.now);
        if writer.function == Function::Processor && is_ahead {
            self.meets(Met::ReceivedAhead);
        }
    }
}
