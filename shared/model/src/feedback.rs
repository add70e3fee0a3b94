//! The feedback for Visma Net, and the two messages of the feedback queue.

use crate::identity::SenderId;
use crate::ledger::LedgerKey;
use crate::notification::Notification;
use crate::text::cut;
use crate::words::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The longest description sent, in UTF-16 (docs/visma-net.md#open-questions, question 16).
pub(crate) const MAX_DESCRIPTION: usize = 255;

/// Who decides the feedback, as a route says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackMode {
    /// The processor, as soon as it has finished.
    #[default]
    Automatic,
    /// The integrator's own system, with an outcome on the feedback queue before a deadline.
    Deferred,
    None,
}

/// A short plain sentence for an accountant: no markup, no control characters, at most 255
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Description(String);

impl Description {
    pub fn new(text: &str) -> Self {
        let plain: String =
            text.chars().map(|c| if c.is_control() || c == '<' || c == '>' { ' ' } else { c }).collect();
        let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        Self(cut(&words, MAX_DESCRIPTION))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

/// How a notification ended, in words for an accountant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub is_success: bool,
    pub description: Description,
}

impl Verdict {
    pub fn success(text: &str) -> Self {
        Self { is_success: true, description: Description::new(text) }
    }

    pub fn failure(text: &str) -> Self {
        Self { is_success: false, description: Description::new(text) }
    }
}

/// The ids that Visma Net may know a notification by, in the order to try them
/// (docs/visma-net.md#notification-feedback, docs/visma-net.md#open-questions, question 3), and its
/// source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    pub ids: Vec<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Address {
    /// Empty if no UUID is known. Then no feedback can be sent.
    pub fn of(notification: &Notification, header_first: bool) -> Self {
        let ids = [&notification.id_in_body, &notification.id_in_header].into_iter().flatten();
        let mut ids: Vec<Uuid> = ids.filter_map(SenderId::uuid).collect();
        if header_first {
            ids.reverse();
        }
        ids.dedup();
        Self { ids, source: notification.source.clone() }
    }
}

/// A message of the feedback queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FeedbackMessage {
    /// From the processor. The ledger has the text and the ids.
    Feedback { notification: LedgerKey },
    /// From the integrator: the outcome of a notification with deferred feedback. The README of
    /// `functions/feedback` has the contract.
    Outcome {
        notification: LedgerKey,
        #[serde(flatten)]
        verdict: Verdict,
    },
}

/// Why a message of the feedback queue is refused. Names the field, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the message is not a JSON object")]
    NotAnObject,
    #[error("`type` must be \"outcome\"")]
    UnknownType,
    #[error("`{0}` is missing or has the wrong form")]
    Field(&'static str),
    #[error("no notification is known under this key")]
    UnknownNotification,
    #[error("the notification's feedback is not deferred to anyone, or was decided before")]
    NotDeferred,
    #[error("the notification has no id that Visma Net would know")]
    NoAddress,
}

impl Rejection {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::UnknownType => "unknown_type",
            Self::Field(_) => "invalid_field",
            Self::UnknownNotification => "unknown_notification",
            Self::NotDeferred => "not_deferred",
            Self::NoAddress => "no_address",
        }
    }

    /// Whether a newer version may have written the message, with a type or an entity of its own.
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::UnknownType | Self::Field("notification.entity"))
    }
}

impl FeedbackMessage {
    /// # Errors
    /// Which field is wrong and how to write it.
    pub fn parse(message: &str) -> Result<Self, Rejection> {
        // Some .NET writers put a byte order mark before JSON.
        let json = message.strip_prefix('\u{feff}').unwrap_or(message);
        let Ok(Value::Object(mut fields)) = serde_json::from_str(json) else {
            return Err(Rejection::NotAnObject);
        };
        let mut take = |name| fields.remove(name).unwrap_or(Value::Null);
        let kind = take("type");
        let kind = kind.as_str().filter(|kind| ["feedback", "outcome"].contains(kind)).ok_or(Rejection::UnknownType)?;
        let notification = LedgerKey::parse(take("notification")).map_err(Rejection::Field)?;
        if kind == "feedback" {
            return Ok(Self::Feedback { notification });
        }
        let is_success = take("is_success").as_bool().ok_or(Rejection::Field("is_success"))?;
        let description: Description =
            serde_json::from_value(take("description")).map_err(|_| Rejection::Field("description"))?;
        if description.as_str().is_empty() {
            return Err(Rejection::Field("description"));
        }
        Ok(Self::Outcome { notification, verdict: Verdict { is_success, description } })
    }

    pub fn notification(&self) -> &LedgerKey {
        match self {
            Self::Feedback { notification } | Self::Outcome { notification, .. } => notification,
        }
    }
}

words! {
    /// The progress of the feedback to Visma Net.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum FeedbackState {
        /// There is no feedback: the route turns it off, or no id is known.
        None = "none",
        /// Waits for the integrator's outcome.
        Awaited = "awaited",
        /// Decided, and on the feedback queue or about to be.
        Queued = "queued",
        /// Visma Net accepted it.
        Sent = "sent",
        /// Visma Net refuses it, so a person has to look.
        Parked = "parked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn outcome() -> Value {
        json!({
            "type": "outcome",
            "notification": {
                "tenant": "t", "entity": "sales_order", "key": "SO/1",
                "id": "44136fa355b3678a1146ad16f7e8649e.a-1",
            },
            "is_success": false,
            "description": "The order has no delivery address.",
        })
    }

    #[test]
    fn a_message_survives_the_queue() {
        let parsed = FeedbackMessage::parse(&outcome().to_string()).unwrap();
        assert_eq!(FeedbackMessage::parse(&serde_json::to_string(&parsed).unwrap()), Ok(parsed.clone()));
        let ours = FeedbackMessage::Feedback { notification: parsed.notification().clone() };
        assert_eq!(FeedbackMessage::parse(&serde_json::to_string(&ours).unwrap()), Ok(ours));
    }

    #[test]
    fn ignores_a_byte_order_mark_before_an_outcome() {
        let marked = format!("\u{feff}{}", outcome());
        assert_eq!(FeedbackMessage::parse(&marked), FeedbackMessage::parse(&outcome().to_string()));
        assert!(FeedbackMessage::parse(&marked).is_ok());
    }

    #[test]
    fn names_the_wrong_field_of_a_malformed_outcome() {
        let with = |name: &str, value: Value| {
            let mut message = outcome();
            message[name] = value;
            FeedbackMessage::parse(&message.to_string()).unwrap_err()
        };
        assert_eq!(with("is_success", json!("yes")), Rejection::Field("is_success"));
        assert_eq!(with("description", json!(5)), Rejection::Field("description"));
        assert_eq!(with("description", json!(" <> ")), Rejection::Field("description"));
        assert_eq!(with("notification", json!("x")), Rejection::Field("notification"));
        let with_key = |name: &str, value: Value| {
            let mut notification = outcome()["notification"].clone();
            notification[name] = value;
            with("notification", notification)
        };
        for (name, value, field) in [
            ("key", json!("x".repeat(3000)), "notification.key"),
            ("key", json!(""), "notification.key"),
            ("key", json!(1920), "notification.key"),
            ("tenant", json!("t".repeat(65)), "notification.tenant"),
            ("tenant", json!("a#b"), "notification.tenant"),
            ("tenant", Value::Null, "notification.tenant"),
            ("entity", json!("no_such_entity"), "notification.entity"),
            ("id", json!("a".repeat(2000)), "notification.id"),
        ] {
            assert_eq!(with_key(name, value), Rejection::Field(field));
        }
        assert_eq!(with("type", json!("other")), Rejection::UnknownType);
        assert_eq!(FeedbackMessage::parse("[]").unwrap_err(), Rejection::NotAnObject);
        assert_eq!(FeedbackMessage::parse("secret words").unwrap_err().to_string(), "the message is not a JSON object");
    }

    #[test]
    fn a_description_is_a_plain_short_sentence() {
        assert_eq!(Description::new("  <b>done</b>\r\nnow ").as_str(), "b done /b now");
        let long = Description::new(&"å".repeat(300));
        assert_eq!(long.as_str().chars().count(), MAX_DESCRIPTION);
        assert!(long.as_str().ends_with('…'));
    }

    #[test]
    fn a_description_of_the_greatest_length_is_not_cut() {
        let whole = "å".repeat(MAX_DESCRIPTION);
        assert_eq!(Description::new(&whole).as_str(), whole);
        let cut = format!("{}…", "å".repeat(MAX_DESCRIPTION - 1));
        assert_eq!(Description::new(&format!("{whole}å")).as_str(), cut);
        let emoji = "😀".repeat(MAX_DESCRIPTION / 2);
        assert_eq!(Description::new(&format!("{emoji}å")).as_str(), format!("{emoji}å"));
        assert_eq!(Description::new(&format!("{emoji}😀")).as_str(), format!("{emoji}…"));
    }

    #[test]
    fn a_verdict_has_success_and_description() {
        let (success, failure) = (Verdict::success("Posted."), Verdict::failure("No such account."));
        assert_eq!((success.is_success, success.description.as_str()), (true, "Posted."));
        assert_eq!((failure.is_success, failure.description.as_str()), (false, "No such account."));
    }

    #[test]
    fn both_ids_are_tried_in_order_without_repetition() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = |in_body: Option<Uuid>, in_header: Option<Uuid>, header_first| {
            let delivery = crate::delivery::tests::delivery(b"");
            let n = Notification::read(&delivery, r#"{"source":"erp"}"#, &crate::notification::NoDirectory);
            let address = Address::of(
                &Notification {
                    id_in_body: in_body.map(SenderId::from),
                    id_in_header: in_header.map(SenderId::from),
                    ..n
                },
                header_first,
            );
            assert_eq!(address.source.as_deref(), Some("erp"));
            address.ids
        };
        assert_eq!(ids(Some(one), Some(two), false), [one, two]);
        assert_eq!(ids(Some(one), Some(two), true), [two, one]);
        assert_eq!(ids(Some(one), Some(one), false), [one]);
        assert_eq!(ids(None, Some(two), false), [two]);
        assert!(ids(None, None, true).is_empty());
    }

    #[test]
    fn every_rejection_has_a_code_of_its_own() {
        let rejections = [
            (Rejection::NotAnObject, "not_an_object"),
            (Rejection::UnknownType, "unknown_type"),
            (Rejection::Field("type"), "invalid_field"),
            (Rejection::UnknownNotification, "unknown_notification"),
            (Rejection::NotDeferred, "not_deferred"),
            (Rejection::NoAddress, "no_address"),
        ];
        for (rejection, code) in rejections {
            assert_eq!(rejection.code(), code);
        }
    }

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for state in FeedbackState::ALL {
            assert_eq!(FeedbackState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_limits(text in ".{0,600}") {
            let description = Description::new(&text);
            prop_assert!(description.as_str().encode_utf16().count() <= MAX_DESCRIPTION);
            prop_assert!(!description.as_str().contains(|c: char| c.is_control() || c == '<' || c == '>'));
        }

        #[test]
        fn a_foreign_message_never_panics(message in ".{0,200}") {
            let _ = FeedbackMessage::parse(&message);
        }
    }
}
