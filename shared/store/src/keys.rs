//! The keys of items.

use crate::attributes::{Item, text, time_text};
use std::fmt;
use time::OffsetDateTime;
use webhooks_model::{EntityId, LedgerKey, NotificationKey};

/// The partition of an entity's head and of its notifications.
pub(crate) fn partition(entity: &EntityId) -> String {
    format!("{}#{}#{}", entity.tenant, entity.entity, entity.key)
}

/// The sort key of a notification.
pub(crate) fn sort_key(key: &LedgerKey) -> String {
    format!("N#{}", key.notification)
}

/// The sort key of a wait: a replay of a notification that waits for the end of a pause.
pub(crate) fn wait_key(key: &LedgerKey) -> String {
    format!("WAIT#{}", key.notification)
}

/// The sort key of the notification that an item is about: the item's own, or the one of its wait.
pub(crate) fn notified(sk: &str) -> String {
    sk.strip_prefix("WAIT#").map_or_else(|| sk.to_owned(), |id| format!("N#{id}"))
}

/// The sort key of a part of a raw item.
pub(crate) fn raw_part(key: &LedgerKey, at: impl fmt::Display) -> String {
    format!("RAW#{}#{at}", key.notification)
}

/// The key of a notification's item.
pub(crate) fn key_of(pk: &str, sk: &str) -> Option<LedgerKey> {
    let (tenant, rest) = pk.split_once('#')?;
    let (entity, key) = rest.split_once('#')?;
    let entity = serde_json::from_value(entity.into()).ok()?;
    let notification = sk.strip_prefix("N#")?.to_owned().try_into().ok()?;
    Some(LedgerKey { entity: EntityId { tenant: tenant.to_owned(), entity, key: key.to_owned() }, notification })
}

/// The notification key in an item's sort key.
pub(crate) fn notification_of(item: &Item) -> Option<NotificationKey> {
    text(item, "sk")?.strip_prefix("N#")?.to_owned().try_into().ok()
}

/// The partition of the feed index: a day of a tenant.
pub(crate) fn feed_day(tenant: &str, at: OffsetDateTime) -> String {
    format!("{tenant}#{}", &time_text(at)[..10])
}

/// The partition of a tenant's roll-ups, or without a tenant, of those of all tenants together. An
/// erasure deletes it, since it begins with the tenant.
pub(crate) fn rollups_of(tenant: &str) -> String {
    format!("{tenant}#rollups#")
}

/// The sort key of the position of the counting of roll-ups. A tenant with such an item is known:
/// see [`crate::Table::know`].
pub(crate) const ROLLING: &str = "PLACE";
