//! Fine bugs, one for each promise: a condition that one kind of write lacks, a mark that stays, a time of expiry that is left out. Each
//! is a change of a request or of its answer at the simulation's ports, as the bug in the product would make it; `asks.rs` makes it.

use crate::check::Invariant;
use crate::faults::Fault;
use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Planted {
    /// The feedback is queued before the end is written down.
    FeedbackBeforeEnd,
    /// Content that was seen before, under another id, moves a head at the same version.
    StrictlyNewerDropped,
    /// The last attempt is not written down as dead before it begins.
    LastAttemptUnmarked,
    /// A message that was put back is not known as the one whose attempt wrote the end.
    RedrivenTwin,
    /// A message is not known as a copy of the one whose attempt has just written the end.
    OvertakenTwin,
    /// What came before under another id is not seen.
    RepetitionUnderOtherId,
    /// The mark of a last attempt takes the place of why a record was parked.
    LateMarkOverParked,
    /// What is superseded keeps the mark that it had before.
    MarkKeptWhenSuperseded,
    /// An outcome is taken for what was decided before.
    ContradictingOutcome,
    /// The watermark of a list is written without a condition.
    UnconditionalWatermark,
    /// The place up to which the feed was looked through is written without a condition.
    UnconditionalFeedPlace,
    /// A late failure makes a dead record wait again.
    FailureOverDead,
    /// A failure ends a pause.
    FailureEndsPause,
    /// What was superseded becomes processed.
    EndOverEnd,
    /// An answer that Visma Net has taken is written over.
    AnswerOverSent,
    /// The reconciler's mark takes the place of one for a person.
    MarkOverPerson,
    /// At the same version a deletion is undone.
    DeletionUndone,
    /// A head has no time of expiry.
    HeadKeptForEver,
    /// A record has no time of expiry.
    RecordKeptForEver,
    /// A record expires after a day.
    RecordExpiresEarly,
    /// A head that refuses a change is taken for one that took it.
    HeadRefusalIgnored,
    /// A record has no day in the feed.
    FeedForgotten,
    /// What is parked has a mark without a time, so no index has it.
    ParkedOutOfIndex,
    /// What is dead has no mark of its own.
    DeadWithoutMark,
    /// The mark of an awaited outcome stays when it was sent.
    AwaitedMarkKept,
    /// A message is deleted whose notification was to wait for calls, and that was not written down.
    LimitedNotWritten,
    /// A tenant whose calls are used up is not found again.
    AllowanceWithoutMark,
    /// A head does not show that its entity was deleted.
    DeletionNotShown,
    /// A feedback that Visma Net does not take is parked out of sight.
    ParkedFeedbackUnmarked,
    /// An attempt publishes its event twice.
    EventTwice,
    /// Nobody is told of a death.
    DeathUnanswered,
    /// A message that was handed out too often is deleted, and no other takes its place.
    FreshMessageForgotten,
    /// What waited for calls goes on in the ledger alone.
    ReleasedWithoutMessage,
    /// A repeated attempt does not see that the feedback is still to be queued.
    RepeatForgetsFeedback,
    /// What cannot be read or identified is forgotten where another machine's clock was ahead when it was received.
    ReceivedAheadForgotten,
    /// A feedback that Visma Net refuses although it knows its id counts as sent.
    RefusalTakenForSent,
    /// A signing secret is refused as soon as there is a newer one.
    OldSecretRefused,
    /// The processor never sees that the settings were rewritten.
    SettingsKeptForEver,
    /// What was decided in one language is told in another, since the settings say so now.
    RetoldInOtherLanguage,
    /// What is written again expires when it would have expired before.
    FirstExpiryStays,
    /// A pause that is over counts as ended, and nobody lets go on what waited for it.
    PauseEndsInSilence,
    /// What Visma Net refuses under its own id is tried under the id of the delivery's header, which in an array is another's.
    SentUnderAnothersId,
    /// A job writes down that parked feedback is on its way, and the queue has no message of it.
    ResentWithoutMessage,
    /// What was acknowledged as of a kind is not marked anew when it fails again in that way.
    AcknowledgedForGood,
}

impl Planted {
    /// A bug by its number, counted from 1, or by its name.
    ///
    /// # Errors
    /// There is no such bug.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = Self::value_variants();
        let by_number = text.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?).copied());
        by_number.map_or_else(|| <Self as ValueEnum>::from_str(text, true), Ok)
    }

    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// What the checks have to find broken.
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
            | Self::RepeatForgetsFeedback => Invariant::OneFeedback,
            Self::PauseEndsInSilence | Self::ResentWithoutMessage | Self::AcknowledgedForGood => {
                Invariant::CommandIsKept
            }
            Self::OldSecretRefused => Invariant::OneWriteBeforeAck,
            _ => Invariant::ForwardOnly,
        }
    }

    /// Trouble without which the bug hardly ever shows, and which is therefore frequent in each run that has it.
    pub(crate) fn thrives_on(self) -> &'static [Fault] {
        use Fault::{Crash, Disorder, ErpTrouble, FeedbackRefused, LostAnswer, SlowCalls};
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
            Self::AcknowledgedForGood => &[Operator],
            Self::RefusalTakenForSent | Self::SentUnderAnothersId => &[FeedbackRefused],
            Self::OldSecretRefused | Self::RetoldInOtherLanguage => &[Operations],
            Self::SettingsKeptForEver => &[Operations, SlowCalls],
            Self::StrictlyNewerDropped | Self::RepetitionUnderOtherId => &[Redelivery],
            _ => &[],
        }
    }
}
