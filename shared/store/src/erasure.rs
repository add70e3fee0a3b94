//! Deletes all data of a tenant. The data is spread over as many partitions as the tenant has
//! entities, so the whole table is read.

use crate::attributes::{Item, integer, string};
use crate::error::StoreError;
use crate::implied::received_at;
use crate::item::Upkeep;
use crate::keys::{key_of, keys_of, raw_part};
use crate::moved::{MOVED_FROM, MOVED_TO, read_place};
use crate::replays::parts_in;
use crate::table::Table;
use crate::tenants;
use std::collections::HashMap;
use std::iter;
use time::{Duration, OffsetDateTime};

/// Items per request.
const PAGE: i32 = 1000;

const ATTRIBUTES: [&str; 7] = ["pk", "sk", "feed_at", "raw_parts", "expires_at", MOVED_FROM, MOVED_TO];

/// The tenant's items in a part of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Partition key and sort key of each item.
    pub keys: Vec<(String, String)>,
    /// The times of each of them.
    pub times: Vec<Times>,
    /// The position of the next part; `None` at the end of the table.
    pub next: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// When its notification was received; `None` if it belongs to none that is recorded.
    pub received: Option<OffsetDateTime>,
    /// When it was last written; `None` if it does not expire.
    pub written: Option<OffsetDateTime>,
    /// Whether it is a part of a raw item, which is written before its record.
    pub is_part: bool,
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
            kept.times.extend(iter::repeat_n(times(item, &keys.1, self.retention), 1 + parts.len()));
            kept.keys.extend(parts);
            kept.keys.push(keys);
        }
        kept.next =
            next.as_ref().and_then(keys_of).map(|keys| serde_json::to_string(&keys).expect("texts always serialise"));
        Ok(kept)
    }

    /// Fills in when waits and parts of raw items were received: with their records.
    pub async fn receive_with_records(&self, kept: &mut Kept) -> Result<(), StoreError> {
        let beside = kept.keys.iter().enumerate();
        let beside: Vec<_> = beside.filter_map(|(at, (pk, sk))| Some((at, (pk.clone(), record_of(sk)?)))).collect();
        let keys = beside.iter().map(|(_, record)| record.clone()).collect();
        let records = self.items.get_many(keys, &["pk", "sk", "feed_at"], true).await?;
        let received: HashMap<_, _> =
            records.iter().filter_map(|record| Some((keys_of(record)?, received_at(record)?))).collect();
        for (at, record) in beside {
            kept.times[at].received = received.get(&record).copied();
        }
        Ok(())
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

fn times(item: &Item, sk: &str, retention: Duration) -> Times {
    let expires_at = integer(item, "expires_at").and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let written = expires_at.and_then(|at| at.checked_sub(retention));
    Times { received: received_at(item), written, is_part: sk.starts_with("RAW#") }
}

/// The sort key of the record that a wait or a part of a raw item belongs to.
fn record_of(sk: &str) -> Option<String> {
    let part = sk.strip_prefix("RAW#").and_then(|part| part.rsplit_once('#'));
    let own = part.map(|(own, _)| own).or_else(|| sk.strip_prefix("WAIT#"))?;
    Some(format!("N#{own}"))
}

fn place(position: &str) -> Result<Item, StoreError> {
    let (pk, sk): (String, String) = serde_json::from_str(position)
        .map_err(|_| StoreError::Mismatch("an erasure's position is not a place in the table".into()))?;
    Ok([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))].into())
}
