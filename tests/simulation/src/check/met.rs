//! Counts rare situations, since a check of something that never happens proves nothing.

use super::{Checks, Writer};
use crate::actors::Function;
use crate::writes::received_at;
use webhooks_store::Write;

/// A rare situation in which a promise must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// The processor recorded a notification whose time of receipt was ahead of its own clock.
    ReceivedAhead,
    /// Visma Net refused a feedback whose id it knows.
    FeedbackRefused,
    /// Visma Net accepted such feedback later.
    TakenAfterRefusal,
    /// A feedback waited in the ledger for calls.
    FeedbackWaited,
    /// A delivery was signed with a secret that had been replaced by a newer one.
    OldSecret,
    /// An attempt used settings that had just been replaced.
    OldSettings,
    LanguageRewritten,
    /// DynamoDB deleted an expired item.
    Expired,
    /// A pause lasted longer than the retention, and something waited for its end.
    PausedBeyondRetention,
    /// An acknowledged notification failed again.
    FailedAgain,
    /// A job resent parked feedback.
    ResentByFilter,
    /// The ERP refused a token, and the environment got another one.
    TokenReplaced,
    /// Visma Net had closed an idle connection when the next request used it.
    StaleConnection,
    /// After an erasure, a queue handed out a message of before.
    ForgottenMessage,
    /// A run of the reconciler from before an erasure wrote about the tenant while it went on.
    SweptDuringErasure,
    /// An alias identified a notification.
    AliasUsed,
    /// A notification was parked, since the settings had another company number.
    CompanyUnknown,
    /// DynamoDB ended a page of a query or a scan early.
    PageCutShort,
    /// DynamoDB left keys of a batch read unprocessed.
    KeysUnprocessed,
    /// An SDK repeated a write, and DynamoDB refused it because of the first one.
    OwnWriteRefused,
    /// An item of more than 256 KB was written.
    LargeItem,
    /// Intake accepted the largest body that it takes.
    BodyAtLimit,
    /// Intake refused a body that was larger.
    BodyTooLarge,
    /// SQS handed out a message although a tenant with fewer messages in flight waited.
    UnfairQueue,
    /// Visma Net or Visma Connect failed, and its answer had a Retry-After.
    OutageWithRetryAfter,
    /// Visma Net accepted one feedback for several items of a delivery.
    AnsweredTogether,
    /// The answer for several items waited for one that waited in the ledger.
    WaitedTogether,
}

impl Met {
    pub const ALL: [Self; 27] = [
        Self::ReceivedAhead,
        Self::FeedbackRefused,
        Self::TakenAfterRefusal,
        Self::FeedbackWaited,
        Self::OldSecret,
        Self::OldSettings,
        Self::LanguageRewritten,
        Self::Expired,
        Self::PausedBeyondRetention,
        Self::FailedAgain,
        Self::ResentByFilter,
        Self::TokenReplaced,
        Self::StaleConnection,
        Self::ForgottenMessage,
        Self::SweptDuringErasure,
        Self::AliasUsed,
        Self::CompanyUnknown,
        Self::PageCutShort,
        Self::KeysUnprocessed,
        Self::OwnWriteRefused,
        Self::LargeItem,
        Self::BodyAtLimit,
        Self::BodyTooLarge,
        Self::UnfairQueue,
        Self::OutageWithRetryAfter,
        Self::AnsweredTogether,
        Self::WaitedTogether,
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
