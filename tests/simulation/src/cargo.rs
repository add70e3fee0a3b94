//! The notifications in a message of the notifications queue, found without the processor's code.

use serde_json::Value;
use uuid::Uuid;
use webhooks_model::{Delivery, NotificationKey};

/// Their sort keys in the ledger.
pub(crate) fn of(message: &str) -> Vec<String> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    if let Some(record) = &delivery.meta.replays {
        return vec![format!("N#{}", record.notification)];
    }
    let named = delivery.meta.event.as_deref().or_else(|| delivery.header("x-vwd-event-id"));
    let header = Named { id: delivery.header("x-vwd-notification-id"), event: named };
    match delivery.items() {
        Some(items) => items.into_iter().map(|item| sort_key(item.as_bytes(), header)).collect(),
        None => vec![sort_key(String::from_utf8_lossy(&delivery.body).as_bytes(), header)],
    }
}

/// The facts that come from headers if an item does not have them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) event: Option<&'a str>,
}

impl<'a> Named<'a> {
    pub(crate) fn by(headers: &'a [(&'static str, String)]) -> Self {
        let value = |wanted| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        Self { id: value("x-vwd-notification-id"), event: value("x-vwd-event-id") }
    }
}

pub(crate) fn sort_key(item: &[u8], header: Named<'_>) -> String {
    let fields: Value = serde_json::from_slice(item).unwrap_or_default();
    let in_body = fields["notificationId"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let id = in_body.or_else(|| Uuid::try_parse(header.id?).ok()).map(|id| id.to_string());
    let event = fields["event"].as_str().filter(|event| !event.is_empty()).or(header.event).unwrap_or_default();
    format!("N#{}", NotificationKey::new(item, event, id.as_deref()))
}
