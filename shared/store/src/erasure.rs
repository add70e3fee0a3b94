//! Deletes all data of a tenant. The data is spread over as many partitions as the tenant has
//! entities, so the whole table is read.

use crate::attributes::{Item, string};
use crate::directory;
use crate::error::StoreError;
use crate::implied::received_at;
use crate::keys::keys_of;
use crate::moved::{MOVED_FROM, MOVED_TO, read_place};
use crate::table::Table;
use crate::upkeep::Upkeep;
use time::OffsetDateTime;

/// Items per request, and requests at the same time.
const PAGE: i32 = 1000;
const PAGES: usize = 20;

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
    /// Reads from `position` until at least `most` items are found or 20,000 are read.
    pub async fn kept(&self, tenant: &str, position: Option<&str>, most: usize) -> Result<Kept, StoreError> {
        let of_tenant = format!("{tenant}#");
        let mut kept = Kept::default();
        let mut after = position.map(place).transpose()?;
        for _ in 0..PAGES {
            let (items, next) = self.items.scan(after, PAGE, &["pk", "sk", "feed_at", MOVED_FROM, MOVED_TO]).await?;
            let is_own = |(pk, sk): &(String, String)| {
                pk.starts_with(&of_tenant) || (pk == directory::PARTITION && sk == tenant)
            };
            let is_kept = |item: &&Item| keys_of(item).is_some_and(|keys| is_own(&keys)) || has_moved(item, tenant);
            for item in items.iter().filter(is_kept) {
                kept.keys.extend(keys_of(item));
                kept.received.push(received_at(item));
            }
            after = next;
            if after.is_none() || kept.keys.len() >= most {
                break;
            }
        }
        kept.next =
            after.as_ref().and_then(keys_of).map(|keys| serde_json::to_string(&keys).expect("texts always serialise"));
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

fn place(position: &str) -> Result<Item, StoreError> {
    let (pk, sk): (String, String) = serde_json::from_str(position)
        .map_err(|_| StoreError::Mismatch("an erasure's position is not a place in the table".into()))?;
    Ok([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))].into())
}
