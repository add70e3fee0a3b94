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

/// The partition key and the sort key of an item.
pub(crate) fn keys_of(item: &Item) -> Option<(String, String)> {
    Some((text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()))
}

/// The tenant in a partition key that begins with one.
pub(crate) fn tenant_in(pk: &str) -> Option<&str> {
    Some(pk.split_once('#')?.0)
}

/// The tenant in such a partition key of an item.
pub(crate) fn tenant_of(item: &Item) -> Option<String> {
    tenant_in(text(item, "pk")?).map(str::to_owned)
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

#[cfg(test)]
mod tests {
    // Checks that the keys spread the writes. A partition of DynamoDB takes 1,000 write units a
    // second, so the busiest partition limits the throughput.

    use super::*;
    use std::collections::HashMap;
    use time::macros::datetime;
    use webhooks_model::Entity;

    const NOTIFICATIONS: usize = 200_000;
    const UNITS_OF_A_PARTITION: f64 = 1000.0;
    /// Write units of one notification of more than 1 KB: the ledger's end (2), the head (1) and the
    /// feedback (2) in its entity's partition, and one in the feed's.
    const UNITS: [f64; 2] = [5.0, 1.0];

    /// Zipf's law with exponent one: the first of `count` is twice as frequent as the second.
    struct Zipf(Vec<f64>);

    impl Zipf {
        fn new(count: usize) -> Self {
            let mut sum = 0.0;
            Self(
                (1..=count)
                    .map(|rank| {
                        sum += 1.0 / rank as f64;
                        sum
                    })
                    .collect(),
            )
        }

        fn draw(&self, random: &mut fastrand::Rng) -> usize {
            let at = random.f64() * self.0.last().copied().unwrap_or_default();
            self.0.partition_point(|sum| *sum < at)
        }
    }

    /// Notifications per second until the busiest partition of the table, and of the feed, is at its
    /// limit. Six of ten are about documents, each with three changes. The others are about entities,
    /// and some entities change far more often than others.
    fn ceilings(tenants: usize) -> [f64; 2] {
        let mut random = fastrand::Rng::with_seed(7);
        let (of_tenant, of_key) = (Zipf::new(tenants), Zipf::new(5_000));
        let day = datetime!(2026-11-24 10:00 UTC);
        let mut written: [HashMap<String, u32>; 2] = Default::default();
        for at in 0..NOTIFICATIONS {
            let tenant = format!("{:08x}-0000-4000-8000-000000000000", of_tenant.draw(&mut random));
            let key = match random.u8(..10) {
                0..6 => EntityId { tenant, entity: Entity::SalesOrder, key: format!("SO/{}", at / 3) },
                _ => EntityId { tenant, entity: Entity::InventoryItem, key: of_key.draw(&mut random).to_string() },
            };
            for (counts, partition) in written.iter_mut().zip([partition(&key), feed_day(&key.tenant, day)]) {
                *counts.entry(partition).or_default() += 1;
            }
        }
        let mut ceilings = [0.0; 2];
        for ((ceiling, counts), units) in ceilings.iter_mut().zip(&written).zip(UNITS) {
            let share = f64::from(counts.values().copied().max().unwrap_or(1)) / NOTIFICATIONS as f64;
            *ceiling = UNITS_OF_A_PARTITION / (share * units);
        }
        ceilings
    }

    #[test]
    fn no_partition_is_hot_below_a_thousand_notifications_a_second() {
        for tenants in [1, 10, 100, 1_000] {
            let [table, feed] = ceilings(tenants);
            println!("| {tenants} | {table:.0} | {feed:.0} |");
            assert!(table > 1_000.0 && feed >= 1_000.0, "{tenants} tenants: {table} by the table, {feed} by the feed");
        }
    }
}
