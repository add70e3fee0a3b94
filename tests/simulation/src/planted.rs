//! Bugs planted on purpose, to prove that the checks find them. Each is where a real bug of its
//! kind would be.

use crate::check::Invariant;
use crate::faults::Fault;
use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
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

/// Fine bugs, one for each promise: a missing condition of one kind of write, a mark that stays, a
/// missing expiry. Each changes a request or its answer at the simulation's ports, as a bug in the
/// product would. `asks.rs` makes the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Planted {
    /// The feedback is queued before the end is recorded.
    FeedbackBeforeEnd,
    /// Known content under another id moves a head at the same version.
    StrictlyNewerDropped,
    /// The last attempt is not recorded as dead before it begins.
    LastAttemptUnmarked,
    /// A redriven message is not recognised as the one whose attempt recorded the end.
    RedrivenTwin,
    /// A message is not recognised as a copy of the one whose attempt has just recorded the end.
    OvertakenTwin,
    /// The same content under an earlier id is not found.
    RepetitionUnderOtherId,
    /// The mark of a last attempt overwrites the reason of a parked record.
    LateMarkOverParked,
    /// A superseded notification keeps its earlier mark.
    MarkKeptWhenSuperseded,
    /// An outcome is treated as an earlier decision.
    ContradictingOutcome,
    /// The watermark of a list is written without a condition.
    UnconditionalWatermark,
    /// The place up to which the feed was read is written without a condition.
    UnconditionalFeedPlace,
    /// A late failure makes a dead record wait again.
    FailureOverDead,
    /// A failure ends a pause.
    FailureEndsPause,
    /// A superseded notification becomes processed.
    EndOverEnd,
    /// An answer that Visma Net accepted is overwritten.
    AnswerOverSent,
    /// The reconciler's mark overwrites one for a person.
    MarkOverPerson,
    /// At the same version a deletion is undone.
    DeletionUndone,
    /// A head has no expiry.
    HeadKeptForEver,
    /// A record has no expiry.
    RecordKeptForEver,
    /// A record expires after a day.
    RecordExpiresEarly,
    /// A refused change of a head is treated as accepted.
    HeadRefusalIgnored,
    /// A record has no day in the feed.
    FeedForgotten,
    /// A parked notification has a mark without a time, so it is in no index.
    ParkedOutOfIndex,
    /// A dead notification has no mark.
    DeadWithoutMark,
    /// The mark of an awaited outcome stays after the feedback was sent.
    AwaitedMarkKept,
    /// The message of a notification that waits for calls is deleted, although the wait was not
    /// recorded.
    LimitedNotWritten,
    /// A tenant whose calls are used up is not found again.
    AllowanceWithoutMark,
    /// A head does not show that its entity was deleted.
    DeletionNotShown,
    /// Refused feedback is parked without a mark.
    ParkedFeedbackUnmarked,
    /// An attempt publishes its event twice.
    EventTwice,
    /// The accountant gets no answer about a dead notification.
    DeathUnanswered,
    /// A message that was received too often is deleted, and no new one replaces it.
    FreshMessageForgotten,
    /// A notification that waited for calls continues only in the ledger.
    ReleasedWithoutMessage,
    /// A repeated attempt does not see that the feedback must still be queued.
    RepeatForgetsFeedback,
    /// An unreadable or unidentified notification is dropped if the receiving machine's clock was
    /// ahead.
    ReceivedAheadForgotten,
    /// Feedback that Visma Net refuses although it knows the id counts as sent.
    RefusalTakenForSent,
    /// A signing secret is refused as soon as there is a newer one.
    OldSecretRefused,
    /// The processor never reads the settings again.
    SettingsKeptForEver,
    /// An answer decided in one language is sent in another after a change of the settings.
    RetoldInOtherLanguage,
    /// A later write of an item does not extend its expiry.
    FirstExpiryStays,
    /// A pause that is over counts as ended, but nothing releases what waited for it.
    PauseEndsInSilence,
    /// Feedback that Visma Net refuses under its own id is sent under the id of the delivery's
    /// header, which in an array belongs to another notification.
    SentUnderAnothersId,
    /// A job records a resend of parked feedback, but sends no message.
    ResentWithoutMessage,
    /// An acknowledged notification is not marked again when it fails in the same way.
    AcknowledgedForGood,
    /// The processor does not learn of an erasure.
    ErasureUnnoticed,
    /// An erasure ends while attempts from before it may still write.
    ErasureUnsettled,
    /// The processor never sees that an event got an alias or a tenant another company number.
    NamesKeptForEver,
    /// The processor parks a notification without reading newer settings first.
    NamesNotReadAgain,
    /// A replay of all tenants covers only those with parked notifications.
    KnownTenantsForgotten,
    /// Keys that a batch read leaves unprocessed count as absent.
    UnprocessedForgotten,
    /// An erasure takes an empty page of the table for its end.
    ErasureStopsAtEmptyPage,
    /// A query reads only its first page, however short it is.
    FirstPageOnly,
    /// A long raw item is kept in the record itself, and DynamoDB refuses the record.
    RecordTooLarge,
    /// Intake refuses the largest body that it should take.
    BodyAtLimitRefused,
    /// The last part of a long raw item is not written.
    LastPartLost,
    /// An erasure ends while a run of the reconciler from before it may still write.
    ErasureBeforeSweepEnds,
    /// The reconciler does not learn of an erasure, and writes about the tenant while it is paused.
    ErasureUnseenBySweep,
    /// An item that waits in the ledger does not name those that share its answer.
    WaitingItemForgotten,
    /// In the answer for several items, one that failed counts as processed.
    VerdictOfItemForgotten,
}

impl Planted {
    /// A bug by its number or by its name.
    ///
    /// # Errors
    /// There is no such bug.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse::<usize>().ok();
        let by_number = Self::value_variants().iter().find(|bug| Some(bug.number()) == number).copied();
        by_number.map_or_else(|| <Self as ValueEnum>::from_str(text, true), Ok)
    }

    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// The invariant that the checks must find broken.
    pub fn breaks(self) -> Invariant {
        match self {
            Self::LastAttemptUnmarked
            | Self::MarkKeptWhenSuperseded
            | Self::MarkOverPerson
            | Self::FeedForgotten
            | Self::ParkedOutOfIndex
            | Self::DeadWithoutMark
            | Self::AwaitedMarkKept
            | Self::LimitedNotWritten
            | Self::AllowanceWithoutMark
            | Self::ParkedFeedbackUnmarked
            | Self::FreshMessageForgotten
            | Self::ReceivedAheadForgotten
            | Self::LastPartLost
            | Self::ReleasedWithoutMessage => Invariant::OneTerminalState,
            Self::FeedbackBeforeEnd
            | Self::RedrivenTwin
            | Self::OvertakenTwin
            | Self::ContradictingOutcome
            | Self::AnswerOverSent
            | Self::DeathUnanswered
            | Self::RefusalTakenForSent
            | Self::RetoldInOtherLanguage
            | Self::SentUnderAnothersId
            | Self::WaitingItemForgotten
            | Self::VerdictOfItemForgotten
            | Self::RepeatForgetsFeedback => Invariant::OneFeedback,
            Self::PauseEndsInSilence
            | Self::ResentWithoutMessage
            | Self::AcknowledgedForGood
            | Self::UnprocessedForgotten
            | Self::KnownTenantsForgotten => Invariant::CommandIsKept,
            Self::OldSecretRefused | Self::BodyAtLimitRefused => Invariant::OneWriteBeforeAck,
            Self::RecordTooLarge => Invariant::PoisonFailsAlone,
            Self::NamesKeptForEver | Self::NamesNotReadAgain => Invariant::IdentifyOrPark,
            Self::ErasureUnnoticed
            | Self::ErasureUnsettled
            | Self::ErasureStopsAtEmptyPage
            | Self::ErasureBeforeSweepEnds
            | Self::ErasureUnseenBySweep => Invariant::ErasedIsErased,
            _ => Invariant::ForwardOnly,
        }
    }

    /// Trouble that the bug needs to show, and that is therefore frequent in its runs.
    pub(crate) fn thrives_on(self) -> &'static [Fault] {
        use Fault::{Crash, Disorder, ErpTrouble, FeedbackRefused, LargeBody, LostAnswer, ShortAnswer, SlowCalls};
        use Fault::{Operations, Operator, Redelivery, Refusal, Skew, Throttle};
        match self {
            Self::RedrivenTwin => &[Crash, Throttle, Operations],
            Self::OvertakenTwin => &[Crash, Redelivery, Disorder],
            Self::RepeatForgetsFeedback => &[Crash, Redelivery],
            Self::LastAttemptUnmarked | Self::LateMarkOverParked | Self::DeadWithoutMark => &[Refusal, ErpTrouble],
            Self::ContradictingOutcome => &[Refusal, LostAnswer, ErpTrouble, Throttle],
            Self::LimitedNotWritten | Self::AllowanceWithoutMark => &[ErpTrouble, Throttle],
            Self::ReleasedWithoutMessage => &[ErpTrouble, Throttle, Operations],
            Self::MarkOverPerson => &[ErpTrouble, Throttle, Operations],
            Self::FreshMessageForgotten => &[Throttle],
            Self::PauseEndsInSilence => &[Operator, Operations, SlowCalls],
            Self::ParkedFeedbackUnmarked | Self::AwaitedMarkKept => &[ErpTrouble],
            Self::ReceivedAheadForgotten => &[Skew],
            Self::ResentWithoutMessage => &[Operator, FeedbackRefused],
            Self::AcknowledgedForGood
            | Self::WaitingItemForgotten
            | Self::KnownTenantsForgotten
            | Self::ErasureUnnoticed
            | Self::ErasureUnsettled
            | Self::ErasureBeforeSweepEnds
            | Self::ErasureUnseenBySweep => &[Operator],
            Self::RefusalTakenForSent | Self::SentUnderAnothersId => &[FeedbackRefused],
            Self::OldSecretRefused | Self::RetoldInOtherLanguage => &[Operations],
            Self::SettingsKeptForEver | Self::NamesKeptForEver | Self::NamesNotReadAgain => &[Operations, SlowCalls],
            Self::StrictlyNewerDropped | Self::RepetitionUnderOtherId => &[Redelivery],
            Self::UnprocessedForgotten | Self::ErasureStopsAtEmptyPage => &[Operator, ShortAnswer],
            Self::FirstPageOnly => &[Redelivery, ShortAnswer],
            Self::RecordTooLarge | Self::BodyAtLimitRefused | Self::LastPartLost => &[LargeBody],
            _ => &[],
        }
    }
}
