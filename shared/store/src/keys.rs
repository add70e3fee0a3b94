//! What items are called.

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

/// The sort key of what waits for the end of a pause beside a notification.
pub(crate) fn wait_key(key: &LedgerKey) -> String {
    format!("WAIT#{}", key.notification)
}

/// The sort key of the notification that an item is about: its own, or the one that it waits beside.
pub(crate) fn notified(sk: &str) -> String {
    sk.strip_prefix("WAIT#").map_or_else(|| sk.to_owned(), |id| format!("N#{id}"))
}

/// The sort key of a piece of a raw item.
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

/// Which notification of its entity an item is.
pub(crate) fn notification_of(item: &Item) -> Option<NotificationKey> {
    text(item, "sk")?.strip_prefix("N#")?.to_owned().try_into().ok()
}

/// The feed index's partition: a tenant's day.
pub(crate) fn feed_day(tenant: &str, at: OffsetDateTime) -> String {
    format!("{tenant}#{}", &time_text(at)[..10])
}

/// The partition of a tenant's roll-ups; of those of all tenants together with no tenant. Erased with the tenant: whatever is the
/// tenant's begins so.
pub(crate) fn rollups_of(tenant: &str) -> String {
    format!("{tenant}#rollups#")
}

/// The sort key of where the counting of roll-ups is. A tenant that has one is known: see [`crate::Search`].
pub(crate) const ROLLING: &str = "PLACE";
