//! What the table knows about a notification before it is processed.

use crate::attributes::{Item, flag, integer, text};
use crate::history::KEPT;
use crate::implied::received_at;
use crate::moved::{MOVED_FROM, MOVED_TO};
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{Reason, State};

/// Attribute of a record: all items that share its answer, beginning with the one that has it.
pub(crate) const TOGETHER: &str = "answered_with";

/// The records of a notification and of the same content, before the notification is processed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The record of this notification, if it was received before.
    pub same: Option<Known>,
    /// Whether the same content came under another id, as the same event, and ended well.
    pub repeated: bool,
    /// Whether the same content came as another event.
    pub under_other_event: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// `None` if only the feedback function has written so far.
    pub state: Option<State>,
    pub reason: Option<Reason>,
    pub feedback: Option<FeedbackState>,
    /// The delivery that wrote it last.
    pub delivery: Option<Uuid>,
    /// When intake accepted that delivery.
    pub received_at: Option<OffsetDateTime>,
    /// The answer that the accountant gets, or would get if it had an answer of its own.
    pub is_success: Option<bool>,
    pub attempts: Attempts,
    /// `None` while an operator makes it wait.
    pub expires_at: Option<OffsetDateTime>,
    /// Whether it is closed, because the notification went on under another key.
    pub is_moved: bool,
    /// Whether it continues a closed record.
    pub continues: bool,
    /// Whether it names the items that share its answer.
    pub waits_together: bool,
}

impl Known {
    /// Whether an operator holds it. An expired hold does not count, even if DynamoDB has not
    /// deleted it yet.
    #[must_use]
    pub fn is_held(&self, now: OffsetDateTime) -> bool {
        let has_expired = self.expires_at.is_some_and(|at| at <= now);
        self.state == Some(State::Parked) && self.reason == Some(Reason::Held) && !has_expired
    }
}

pub(crate) fn known(item: &Item) -> Known {
    Known {
        state: text(item, "state").and_then(State::parse),
        reason: text(item, "reason").and_then(Reason::parse),
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        delivery: text(item, "delivery").and_then(|id| Uuid::try_parse(id).ok()),
        received_at: received_at(item),
        is_success: item.contains_key("feedback_success").then(|| flag(item, "feedback_success")),
        attempts: Attempts::of(item),
        expires_at: integer(item, "expires_at").and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        is_moved: item.contains_key(MOVED_TO),
        continues: item.contains_key(MOVED_FROM),
        waits_together: item.contains_key(TOGETHER),
    }
}

/// Whether only a newer version knows the state of the record, or of its feedback. It must be left to
/// that version: here it would look like a record without an end, or without a feedback.
pub(crate) fn is_of_newer_version(item: &Item) -> bool {
    is_state_of_newer_version(item)
        || text(item, "feedback").is_some_and(|feedback| FeedbackState::parse(feedback).is_none())
}

/// The same for the state of the record alone.
pub(crate) fn is_state_of_newer_version(item: &Item) -> bool {
    text(item, "state").is_some_and(|state| State::parse(state).is_none())
}

/// The recorded attempts. An attempt that ended for lack of quota does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    pub failed: u32,
    /// How many of them were lost.
    pub lost: u32,
    /// How many of them ended because the ERP refused the token.
    pub refused: u32,
    /// Whether there may have been more, which the record no longer has.
    pub is_full: bool,
}

impl Attempts {
    fn of(item: &Item) -> Self {
        let lines = item.get("attempts").and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
        // A reason that only a newer version knows is a failure like others.
        let reasons = lines.iter().filter_map(|line| text(line.as_m().ok()?, "reason"));
        let none = Self { is_full: lines.len() >= KEPT, ..Self::default() };
        reasons.filter(|reason| *reason != Reason::RateLimited.as_str()).fold(none, |known, reason| Self {
            failed: known.failed + 1,
            lost: known.lost + u32::from(reason == Reason::Lost.as_str()),
            refused: known.refused + u32::from(reason == Reason::TokenRefused.as_str()),
            ..known
        })
    }

    /// Whether the ERP refused the token in all attempts that were not lost.
    #[must_use]
    pub fn are_refused(self) -> bool {
        self.refused > 0 && self.refused + self.lost == self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::string;
    use aws_sdk_dynamodb::types::AttributeValue;

    #[test]
    fn an_attempt_that_failed_for_a_reason_of_a_newer_version_counts() {
        let line = |reason: &str| AttributeValue::M([("reason".to_owned(), string(reason))].into());
        let lines = ["a_newer_reason", "rate_limited", "lost"].map(line).to_vec();
        let known = Attempts::of(&[("attempts".to_owned(), AttributeValue::L(lines))].into());
        assert_eq!(known, Attempts { failed: 2, lost: 1, refused: 0, is_full: false });
    }

    #[test]
    fn only_a_parked_notification_is_held_and_only_for_that_reason_until_it_expires() {
        let (parked, held) = (Some(State::Parked), Some(Reason::Held));
        let now = OffsetDateTime::UNIX_EPOCH;
        let later = now + time::Duration::SECOND;
        for (state, reason, expires_at, expected) in [
            (parked, held, None, true),
            (parked, held, Some(later), true),
            (parked, held, Some(now), false),
            (parked, Some(Reason::Unmapped), None, false),
            (Some(State::Retrying), held, None, false),
        ] {
            let known = Known { state, reason, expires_at, ..Known::default() };
            assert_eq!(known.is_held(now), expected, "{known:?}");
        }
    }

    #[test]
    fn a_list_as_long_as_a_shortened_one_may_have_had_more_attempts() {
        for (many, is_full) in [(KEPT - 1, false), (KEPT, true)] {
            let line = AttributeValue::M([("reason".to_owned(), string("lost"))].into());
            let known = Attempts::of(&[("attempts".to_owned(), AttributeValue::L(vec![line; many]))].into());
            assert_eq!((known.lost as usize, known.is_full), (many, is_full));
        }
    }
}
