//! Bugs planted on purpose, to prove that the checks find them. Each is where a real bug of its
//! kind would be.

use crate::check::Invariant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Sabotage {
    /// Intake's queue confirms before SQS has the message, which arrives later if the process
    /// lives.
    AckBeforeSend,
    /// Intake answers 4xx for its own failure.
    ClientErrorOnOwnFault,
    /// An expired secret is still accepted.
    ExpiredSecretsLive,
    /// The message is deleted when it is received, not when it is done.
    DeleteBeforeProcessing,
    /// The queue gives up a message earlier than the processor expects.
    DeadLetterQueueTooEager,
    /// Every write lacks its condition.
    UnconditionalWrites,
    /// Only writes of heads lack their condition.
    UnconditionalHeads,
    /// A failed condition is treated as success.
    FailedConditionIsSuccess,
    /// Nothing is found in the ledger, so nothing is a duplicate.
    DedupeDisabled,
    /// The event is sent after the end was recorded, if the process lives.
    CommitBeforeEffect,
    /// Every attempt publishes under a new id.
    UnstableEventId,
    /// One failure makes the whole batch come again.
    BatchFailsAsOne,
    /// The ERP client follows any URL in the payload.
    FollowsPayloadUrl,
    /// Sent feedback is not recorded.
    FeedbackNotRecorded,
    /// A rate limit is treated as success.
    FeedbackDroppedWhenLimited,
    /// Each attempt sends the accountant another sentence.
    FeedbackChangesItsMind,
    /// The watermark moves although nothing was queued.
    GapsForgotten,
    /// A replay of an ended notification does not wait for a pause.
    EndedReplaysSwallowed,
    /// A job's message is deleted after its first slice.
    JobsForgotten,
    /// An erasure reads only the first page of the table.
    ErasureReadsOnePage,
    /// A limited tenant is asked again at once.
    LimitIgnored,
    /// A token that the ERP refused stays in the cache.
    RefusedTokenKept,
}

impl Sabotage {
    /// The invariant that the checks must find broken.
    pub fn breaks(self) -> Invariant {
        match self {
            Self::AckBeforeSend | Self::ClientErrorOnOwnFault => Invariant::OneWriteBeforeAck,
            Self::ExpiredSecretsLive => Invariant::NobodyUnverified,
            Self::DeleteBeforeProcessing | Self::DeadLetterQueueTooEager => Invariant::OneTerminalState,
            Self::UnconditionalWrites
            | Self::UnconditionalHeads
            | Self::DedupeDisabled
            | Self::CommitBeforeEffect
            | Self::UnstableEventId
            | Self::FailedConditionIsSuccess
            | Self::GapsForgotten => Invariant::ForwardOnly,
            Self::EndedReplaysSwallowed | Self::JobsForgotten => Invariant::CommandIsKept,
            Self::ErasureReadsOnePage => Invariant::ErasedIsErased,
            Self::LimitIgnored | Self::RefusedTokenKept => Invariant::WaitsAsTold,
            Self::BatchFailsAsOne => Invariant::PoisonFailsAlone,
            Self::FollowsPayloadUrl => Invariant::NoForeignUrl,
            Self::FeedbackNotRecorded | Self::FeedbackDroppedWhenLimited | Self::FeedbackChangesItsMind => {
                Invariant::OneFeedback
            }
        }
    }
}
