//! The notifications in a message of the notifications queue, found without the processor's code.

use crate::model::erp::TENANTS;
use crate::names::as_sent;
use serde_json::Value;
use std::cell::RefCell;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::{Delivery, NotificationKey};

/// Longer messages are read once, since the hash of a large body takes long.
const LONG: usize = 64 * 1024;
const MOST_KNOWN: usize = 8;

thread_local! {
    /// The latest long messages with their sort keys.
    static KNOWN: RefCell<Vec<(String, Vec<String>)>> = const { RefCell::new(Vec::new()) };
}

/// Their sort keys in the ledger.
pub(crate) fn of(message: &str) -> Vec<String> {
    if message.len() < LONG {
        return read(message);
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some((_, keys)) = known.iter().find(|(text, _)| text == message) {
            return keys.clone();
        }
        let keys = read(message);
        known.truncate(MOST_KNOWN - 1);
        known.insert(0, (message.to_owned(), keys.clone()));
        keys
    })
}

fn read(message: &str) -> Vec<String> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    if let Some(record) = &delivery.meta.replays {
        return vec![as_sent(&format!("N#{}", record.notification))];
    }
    let named = delivery.meta.event.as_deref().or_else(|| delivery.header("x-vwd-event-id"));
    let header = Named { id: delivery.header("x-vwd-notification-id"), event: named };
    match delivery.items() {
        Some(items) => items.into_iter().map(|item| sort_key(item.as_bytes(), header)).collect(),
        None => vec![sort_key(String::from_utf8_lossy(&delivery.body).as_bytes(), header)],
    }
}

/// The same with their tenants, and when intake received the message, by its clock.
pub(crate) fn received(message: &str) -> Vec<(String, Option<String>, OffsetDateTime)> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    let received_at = delivery.meta.received_at;
    let told = match &delivery.meta.replays {
        Some(record) => Some(record.entity.tenant.clone()),
        None => delivery.meta.tenant.clone().or_else(|| delivery.header("x-vwd-tenant-id").map(str::to_owned)),
    };
    let texts: Vec<String> = match delivery.items() {
        Some(items) => items.into_iter().map(str::to_owned).collect(),
        None => vec![String::from_utf8_lossy(&delivery.body).into_owned()],
    };
    let tenants = texts.iter().map(|text| {
        let is_named = |company: &str| text.contains(&format!("\"contextId\":\"{company}\""));
        let named = TENANTS.iter().find(|(_, company)| is_named(company)).map(|(id, _)| (*id).to_owned());
        named.or_else(|| told.clone())
    });
    of(message).into_iter().zip(tenants).map(|(key, tenant)| (key, tenant, received_at)).collect()
}

/// The id of Visma Net in a sort key.
pub(crate) fn id_in(sort_key: &str) -> Option<Uuid> {
    Uuid::try_parse(sort_key.split_once('.')?.1).ok()
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
