//! Bugs planted on purpose, to prove that the checks see them. Each stands where a real one of its kind would.

use crate::check::Invariant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Sabotage {
    /// Intake's queue says yes before SQS has the message, which arrives later if the process lives.
    AckBeforeSend,
    /// Intake blames the sender for what is its own fault.
    ClientErrorOnOwnFault,
    /// An expired secret still verifies.
    ExpiredSecretsLive,
    /// The message is deleted when it is received, not when it is done.
    DeleteBeforeProcessing,
    /// The queue gives a message up sooner than the processor believes.
    DeadLetterQueueTooEager,
    /// Conditions are left out of every write.
    UnconditionalWrites,
    /// Only the heads' conditions are left out.
    UnconditionalHeads,
    /// A condition that fails is taken for success.
    FailedConditionIsSuccess,
    /// Nothing is found in the ledger, so nothing is a duplicate.
    DedupeDisabled,
    /// The event is sent after the end was written, if the process lives.
    CommitBeforeEffect,
    /// Every attempt publishes under a new id.
    UnstableEventId,
    /// One failure makes the whole batch come again.
    BatchFailsAsOne,
    /// The ERP client goes wherever the payload points.
    FollowsPayloadUrl,
    /// What was sent is not written down.
    FeedbackNotRecorded,
    /// A rate limit is taken for success.
    FeedbackDroppedWhenLimited,
    /// Each attempt tells the accountant something else.
    FeedbackChangesItsMind,
    /// The watermark moves although nothing was queued.
    GapsForgotten,
    /// What has ended is not made to wait when it is replayed during a pause.
    EndedReplaysSwallowed,
    /// A job's message is deleted after its first slice.
    JobsForgotten,
    /// An erasure looks at the first page of the table only.
    ErasureReadsOnePage,
}

impl Sabotage {
    /// What the checks have to find broken.
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
            Self::BatchFailsAsOne => Invariant::PoisonFailsAlone,
            Self::FollowsPayloadUrl => Invariant::NoForeignUrl,
            Self::FeedbackNotRecorded | Self::FeedbackDroppedWhenLimited | Self::FeedbackChangesItsMind => {
                Invariant::OneFeedback
            }
        }
    }
}
