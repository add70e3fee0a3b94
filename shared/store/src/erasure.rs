//! Deletes all data of a tenant. The data is spread over as many partitions as the tenant has
//! entities, so the whole table is read.

use crate::attributes::{Item, string};
use crate::error::StoreError;
use crate::implied::received_at;
use crate::item::Upkeep;
use crate::keys::{key_of, keys_of, raw_part};
use crate::moved::{MOVED_FROM, MOVED_TO, read_place};
use crate::replays::parts_in;
use crate::table::Table;
use crate::tenants;
use std::iter;
use time::OffsetDateTime;

/// Items per request.
const PAGE: i32 = 1000;

const ATTRIBUTES: [&str; 6] = ["pk", "sk", "feed_at", "raw_parts", MOVED_FROM, MOVED_TO];

/// The tenant's items in a part of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Partition key and sort key of each item.
    pub keys: Vec<(String, String)>,
    /// When each of them was received; `None` if it is not a notification.
    pub received: Vec<Option<OffsetDateTime>>,
    /// The position of the next part; `None` at the end of the table.
    pub next: Option<String>,
}

impl<I: Upkeep> Table<I> {
    /// Reads one page of the table, 1,000 items at most, from `position` on. The callers look at the
    /// clock between two pages.
    pub async fn kept(&self, tenant: &str, position: Option<&str>) -> Result<Kept, StoreError> {
        let of_tenant = format!("{tenant}#");
        let (items, next) = self.items.scan(position.map(place).transpose()?, PAGE, &ATTRIBUTES).await?;
        let mut kept = Kept::default();
        let is_own =
            |(pk, sk): &(String, String)| pk.starts_with(&of_tenant) || (pk == tenants::DIRECTORY && sk == tenant);
        for (item, keys) in items.iter().filter_map(|item| Some((item, keys_of(item)?))) {
            let parts = match is_own(&keys) {
                true => vec![],
                // The parts of its raw item say nothing of the tenant.
                false if has_moved(item, tenant) => parts_of(item, &keys),
                false => continue,
            };
            kept.received.extend(iter::repeat_n(received_at(item), 1 + parts.len()));
            kept.keys.extend(parts);
            kept.keys.push(keys);
        }
        kept.next =
            next.as_ref().and_then(keys_of).map(|keys| serde_json::to_string(&keys).expect("texts always serialise"));
        Ok(kept)
    }

    /// Deletes an item permanently. May be repeated.
    pub async fn erase(&self, (pk, sk): &(String, String)) -> Result<(), StoreError> {
        self.items.delete(pk, sk).await
    }
}

/// Whether it continues as a notification of the tenant, or did before. Settings without the
/// company's number keep it as one of an unknown tenant.
fn has_moved(item: &Item, tenant: &str) -> bool {
    [MOVED_FROM, MOVED_TO].iter().any(|name| read_place(item, name).is_some_and(|key| key.entity.tenant == tenant))
}

/// The keys of the parts of a record's raw item. The record is deleted after them, so that an
/// interrupted erasure finds them again.
fn parts_of(item: &Item, (pk, sk): &(String, String)) -> Vec<(String, String)> {
    let Some(key) = key_of(pk, sk) else { return vec![] };
    (0..parts_in(item)).map(|part| (pk.clone(), raw_part(&key, part))).collect()
}

fn place(position: &str) -> Result<Item, StoreError> {
    let (pk, sk): (String, String) = serde_json::from_str(position)
        .map_err(|_| StoreError::Mismatch("an erasure's position is not a place in the table".into()))?;
    Ok([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))].into())
}
