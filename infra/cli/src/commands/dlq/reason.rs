//! Explains why a message is a dead letter.

use super::Name;
use crate::queue::Received;
use crate::stack::Stack;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::Duration;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Delivery, EntityId, LedgerKey, Notification};
use webhooks_store::{StoreError, Table};

const EVERY_ATTEMPT_FAILED: &str = "every attempt failed";

/// The facts about a dead letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The subject of the message; empty if unknown.
    pub what: String,
    pub reason: String,
    /// The notification's `ref` in the operations API.
    pub reference: Option<String>,
}

/// Reads the subject and the cause from the message itself.
#[must_use]
pub fn reason_told(name: Name, message: &Received) -> Told {
    let body: Value = serde_json::from_str(&message.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let what = if name == Name::Events { format!("{} {}", text("type"), text("subject")) } else { String::new() };
    let reason = match (name, message.attribute("rejection_code")) {
        (_, Some(code)) => format!("{code}: {}", message.attribute("rejection").unwrap_or_default()),
        (Name::Events, None) => "no consumer deleted it".to_owned(),
        // A message of nearly 1 MiB is rejected without a code, since SQS has no room for it.
        (Name::Feedback, None) => match FeedbackMessage::parse(&message.body) {
            Err(rejection) => format!("{}: {rejection}", rejection.code()),
            Ok(_) => EVERY_ATTEMPT_FAILED.to_owned(),
        },
        _ => EVERY_ATTEMPT_FAILED.to_owned(),
    };
    Told { what: what.trim().to_owned(), reason, reference: None }
}

/// The same for a delivery, with facts from the ledger if it has them.
pub(super) async fn of_notification(stack: &Stack, message: &Received) -> Told {
    let Ok(delivery) = Delivery::from_message(&message.body) else {
        return Told { reason: "not a delivery of intake".to_owned(), ..Told::default() };
    };
    let items = delivery.items().unwrap_or_default();
    let Some(first) = items.first() else {
        return Told { what: "unparseable".to_owned(), reason: EVERY_ATTEMPT_FAILED.to_owned(), reference: None };
    };
    let notification = Notification::read(&delivery, first, &NoDirectory);
    let more = if items.len() > 1 { format!(" and {} more", items.len() - 1) } else { String::new() };
    let key = notification.entity_key.as_deref().unwrap_or_default();
    let what = format!("{} {key}{more}", notification.event_raw).trim().to_owned();
    match recorded(stack, &notification.ledger_key()).await {
        Some(reason) => Told { what, reason, reference: Some(reference(&notification.ledger_key())) },
        None => Told { what, reason: EVERY_ATTEMPT_FAILED.to_owned(), reference: None },
    }
}

/// `None` if the table cannot be read or has no record. A list without reasons is better than no
/// list.
async fn recorded(stack: &Stack, key: &LedgerKey) -> Option<String> {
    let name = stack.output("TableName").await.ok()?;
    let table = Table::new(aws_sdk_dynamodb::Client::new(&stack.aws), name, Duration::ZERO);
    let record = match table.record_of(key).await {
        Err(error @ StoreError::Newer(_)) => return Some(error.to_string()),
        record => record.ok()??,
    };
    let last = record.attempts.last().map(|attempt| attempt.text.clone()).filter(|text| !text.is_empty());
    let reason = record.reason.map(|reason| reason.as_str().to_owned());
    let parts = [Some(record.state.as_str().to_owned()), reason, last];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
}

/// Encodes it as the operations API does; an end-to-end test checks this.
fn reference(key: &LedgerKey) -> String {
    let EntityId { tenant, entity, key: number } = &key.entity;
    URL_SAFE_NO_PAD.encode(format!("{tenant}#{entity}#{number}#{}", key.notification))
}
