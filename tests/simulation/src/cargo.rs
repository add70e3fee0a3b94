//! Which notifications a message of the notifications queue carries, told without the processor.

use serde_json::Value;
use uuid::Uuid;
use webhooks_model::{Delivery, NotificationKey};

/// The sort keys under which the ledger keeps them.
pub(crate) fn of(message: &str) -> Vec<String> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    let header = delivery.header("x-vwd-notification-id");
    match delivery.items() {
        Some(items) => items.into_iter().map(|item| sort_key(item.as_bytes(), header)).collect(),
        None => vec![sort_key(String::from_utf8_lossy(&delivery.body).as_bytes(), header)],
    }
}

pub(crate) fn sort_key(item: &[u8], header: Option<&str>) -> String {
    let fields: Value = serde_json::from_slice(item).unwrap_or_default();
    let in_body = fields["notificationId"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let id = in_body.or_else(|| Uuid::try_parse(header?).ok()).map(|id| id.to_string());
    format!("N#{}", NotificationKey::new(item, id.as_deref()))
}
