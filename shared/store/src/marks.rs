//! The one mark of a record. Two things decide it: what becomes of the notification, and what becomes
//! of its feedback. While the notification is paused or tried again, the mark says so. Once it has
//! ended, the mark says what happened last: that the feedback was refused, or that the notification
//! is dead or parked. After a good end, only the feedback is left to mark. Only the table knows both.
//! So there is one write for each case, and its condition is that case.

use crate::attention::{FEEDBACK_PARKED, acknowledged, unacknowledged};
use crate::attributes::{Item, Update, in_state, is_one_of, string, text, time_text};
use time::OffsetDateTime;
use webhooks_model::State;
use webhooks_model::feedback::FeedbackState;

/// Why a notification is watched. The mark's time says since when or until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Its outcome is awaited. The time is the deadline.
    Awaited,
    /// An attempt failed. The time is that of the failure, or of the last message on the queue.
    Retrying,
    /// Its feedback was put on the queue. The time is that of the message. Feedback that is decided
    /// soon after the receipt of its notification needs no mark, since it is found in the feed.
    Queued,
    /// It waits for the quota of its tenant. The time is that of receipt. Each tenant has its own
    /// list.
    Limited,
    /// Its feedback waits for that quota, with the same time and in a list of its own.
    LimitedFeedback,
}

impl Mark {
    pub const ALL: [Self; 5] = [Self::Awaited, Self::Retrying, Self::Queued, Self::Limited, Self::LimitedFeedback];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awaited => "awaited",
            Self::Retrying => "retrying",
            Self::Queued => "feedback_queued",
            Self::Limited => "rate_limited",
            Self::LimitedFeedback => "feedback_limited",
        }
    }

    /// The mark's value in a record of the tenant.
    #[must_use]
    pub fn value(self, tenant: &str) -> String {
        match self {
            Self::Limited | Self::LimitedFeedback => format!("{}#{tenant}", self.as_str()),
            _ => self.as_str().to_owned(),
        }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (name, _) = value.split_once('#').unwrap_or((value, ""));
        Self::ALL.into_iter().find(|mark| mark.as_str() == name)
    }

    /// The attribute and the value that a record with this mark must have.
    pub(crate) fn reason(self) -> (&'static str, &'static str) {
        match self {
            Self::Awaited => ("feedback", FeedbackState::Awaited.as_str()),
            Self::Retrying | Self::Limited => ("state", State::Retrying.as_str()),
            Self::Queued | Self::LimitedFeedback => ("feedback", FeedbackState::Queued.as_str()),
        }
    }
}

/// A record whose notification ends well now, or goes on under another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// The mark is not about its feedback, and its feedback is not refused.
    Free,
    /// The mark is about its feedback as it is, and stays.
    Stays,
    /// Its feedback is refused, and the mark must say so. Also if the feedback was read as refused,
    /// and the record is gone.
    Refused,
}

impl AtEnd {
    /// `was_refused` is what an earlier read says.
    pub(crate) fn of(item: &Item, tenant: &str, was_refused: bool) -> Self {
        let is_about_refusal = text(item, "attention").map(unacknowledged) == Some(FEEDBACK_PARKED);
        let is_gone = !item.contains_key("feedback");
        if is_refused(item) && !is_about_refusal {
            Self::Refused
        } else if is_about_feedback(item, tenant) {
            Self::Stays
        } else if is_gone && was_refused {
            Self::Refused
        } else {
            Self::Free
        }
    }

    /// For a notification that needs no mark of its own any more.
    pub(crate) fn change(self, update: Update, now: OffsetDateTime) -> Update {
        match self {
            Self::Free => removed(update),
            Self::Stays => update,
            Self::Refused => refused(update, now),
        }
    }

    pub(crate) fn condition(self, update: &mut Update, tenant: &str) -> String {
        let about_feedback = says_feedback(update, tenant);
        let refused = has_refused_feedback(update);
        match self {
            Self::Free => format!("NOT {about_feedback} AND NOT {refused}"),
            Self::Stays => format!("{about_feedback} AND (NOT {refused} OR {})", says_refused(update)),
            Self::Refused => {
                let (about_refusal, feedback) = (says_refused(update), update.name("feedback"));
                let is_gone = format!("NOT {about_feedback} AND attribute_not_exists({feedback})");
                format!("({refused} AND NOT {about_refusal} OR {is_gone})")
            }
        }
    }
}

/// A record whose feedback Visma Net accepts or refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Neither: an attempt failed.
    Untouched,
    /// Accepted. The mark is about something else.
    Stays,
    /// Accepted. The mark was about the feedback of a notification that has ended well.
    Removed,
    /// Accepted. The mark was about the feedback, and the state asks for its own again. Somebody may
    /// have acknowledged that one before.
    Returns,
    /// Refused.
    Refused,
    /// Refused, but the notification has yet to continue.
    RefusedMeanwhile,
}

impl Settled {
    /// For feedback that Visma Net accepts.
    pub(crate) fn accepted(item: &Item, tenant: &str) -> Self {
        match is_about_feedback(item, tenant) {
            false => Self::Stays,
            true if has_state(item, ended_well) => Self::Removed,
            true => Self::Returns,
        }
    }

    /// For feedback that Visma Net refuses.
    pub(crate) fn refused(item: &Item) -> Self {
        if has_state(item, State::is_end) { Self::Refused } else { Self::RefusedMeanwhile }
    }

    pub(crate) fn change(self, update: Update, now: OffsetDateTime) -> Update {
        match self {
            Self::Untouched | Self::Stays | Self::RefusedMeanwhile => update,
            Self::Removed => removed(update),
            Self::Returns => returned(update, now),
            Self::Refused => refused(update, now),
        }
    }

    /// For a record that has a state.
    pub(crate) fn condition(self, update: &mut Update, tenant: &str) -> Option<String> {
        Some(match self {
            Self::Untouched => return None,
            Self::Stays => format!("NOT {}", says_feedback(update, tenant)),
            Self::Removed => format!("{} AND {}", in_state(update, ended_well), says_feedback(update, tenant)),
            Self::Returns => format!("NOT {} AND {}", in_state(update, ended_well), says_feedback(update, tenant)),
            Self::Refused => in_state(update, State::is_end),
            Self::RefusedMeanwhile => format!("NOT {}", in_state(update, State::is_end)),
        })
    }
}

/// A record whose mark is about nothing any more.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outdated {
    /// It needs nobody.
    Done,
    /// It has ended well, and its feedback was refused.
    Refused,
    /// It has not ended well.
    Unended,
}

impl Outdated {
    /// `None` if it has no state.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        text(item, "state")?;
        Some(match has_state(item, ended_well) {
            false => Self::Unended,
            true if is_refused(item) => Self::Refused,
            true => Self::Done,
        })
    }

    pub(crate) fn change(self, update: Update, now: OffsetDateTime) -> Update {
        match self {
            Self::Done => removed(update),
            Self::Refused => refused(update, now),
            Self::Unended => returned(update, now),
        }
    }

    pub(crate) fn condition(self, update: &mut Update) -> String {
        let has_ended = in_state(update, ended_well);
        match self {
            Self::Done => format!("{has_ended} AND NOT {}", has_refused_feedback(update)),
            Self::Refused => format!("{has_ended} AND {}", has_refused_feedback(update)),
            Self::Unended => format!("attribute_exists({}) AND NOT {has_ended}", update.name("state")),
        }
    }
}

fn removed(update: Update) -> Update {
    update.remove("attention").remove("attention_at")
}

/// Sets the mark of refused feedback.
fn refused(update: Update, now: OffsetDateTime) -> Update {
    update.set("attention", string(FEEDBACK_PARKED)).set("attention_at", string(time_text(now)))
}

/// Sets the mark of feedback that is on its way.
pub(crate) fn queued(update: Update, now: OffsetDateTime) -> Update {
    update.set("attention", string(Mark::Queued.as_str())).set("attention_at", string(time_text(now)))
}

/// Sets the mark of the state, which has the same name.
fn returned(update: Update, now: OffsetDateTime) -> Update {
    update.copy("state", "attention").set("attention_at", string(time_text(now)))
}

fn ended_well(state: State) -> bool {
    matches!(state, State::Processed | State::Superseded)
}

fn has_state(item: &Item, is_one: impl Fn(State) -> bool) -> bool {
    text(item, "state").and_then(State::parse).is_some_and(is_one)
}

fn is_refused(item: &Item) -> bool {
    text(item, "feedback") == Some(FeedbackState::Parked.as_str())
}

fn has_refused_feedback(update: &mut Update) -> String {
    is_one_of(update, "feedback", &[FeedbackState::Parked.as_str()])
}

/// The condition that the mark is about refused feedback.
pub(crate) fn says_refused(update: &mut Update) -> String {
    is_one_of(update, "attention", &[FEEDBACK_PARKED, acknowledged(FEEDBACK_PARKED).as_str()])
}

/// Whether a record has its mark because of its feedback: refused, awaited, queued, or waiting for
/// calls.
pub(crate) fn is_about_feedback(item: &Item, tenant: &str) -> bool {
    let of_feedback = feedback_marks(tenant);
    text(item, "attention").is_some_and(|mark| of_feedback.iter().any(|one| one == unacknowledged(mark)))
}

/// Whether its feedback was decided, and its mark says something else. Without a mark, only its place
/// in the feed shows that the feedback was not sent.
pub(crate) fn is_unwatched(item: &Item, tenant: &str) -> bool {
    text(item, "feedback") == Some(FeedbackState::Queued.as_str()) && !is_about_feedback(item, tenant)
}

pub(crate) fn has_unwatched_feedback(update: &mut Update, tenant: &str) -> String {
    let about_feedback = says_feedback(update, tenant);
    format!("({} AND NOT {about_feedback})", is_one_of(update, "feedback", &[FeedbackState::Queued.as_str()]))
}

fn says_feedback(update: &mut Update, tenant: &str) -> String {
    let (marks, known) = (feedback_marks(tenant), acknowledged(FEEDBACK_PARKED));
    let marks: Vec<&str> = marks.iter().map(String::as_str).chain([known.as_str()]).collect();
    is_one_of(update, "attention", &marks)
}

fn feedback_marks(tenant: &str) -> [String; 4] {
    let [awaited, queued, limited] =
        [Mark::Awaited, Mark::Queued, Mark::LimitedFeedback].map(|mark| mark.value(tenant));
    [FEEDBACK_PARKED.to_owned(), awaited, queued, limited]
}
