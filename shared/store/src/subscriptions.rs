//! Which subscriptions have ever delivered anything. The processor records a fact for each that
//! has. One item for all subscriptions records which ones are still expected to deliver.

use crate::attributes::{Update, string, text};
use crate::error::StoreError;
use crate::item::Items;
use crate::observed;
use crate::sweeps::sweep_partition;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;
use webhooks_model::observed::delivers;

const SORT_KEY: &str = "SUBSCRIPTIONS";
/// The most keys of a BatchGetItem.
const KEYS_PER_READ: usize = 100;

/// The deliveries of one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliveries {
    /// It has delivered.
    Seen,
    /// It has not delivered yet.
    Awaited {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
}

/// The operations of the reconciler on subscriptions.
impl<I: Items> Table<I> {
    /// The recorded state of each subscription, by id. Empty before the first run. An item that this
    /// version cannot read is an error, so that nobody writes an empty one over it.
    pub async fn subscriptions(&self) -> Result<BTreeMap<String, Deliveries>, StoreError> {
        let Some(item) = self.items.get(&sweep_partition(""), SORT_KEY).await? else {
            return Ok(BTreeMap::new());
        };
        let all = text(&item, "subscriptions").and_then(|all| serde_json::from_str(all).ok());
        all.ok_or_else(|| StoreError::newer("the subscriptions"))
    }

    /// Records the state of all subscriptions, without an expiry. So a subscription still counts as
    /// delivering after its fact has expired.
    pub async fn set_subscriptions(&self, all: &BTreeMap<String, Deliveries>) -> Result<(), StoreError> {
        let all = serde_json::to_string(all).expect("ids and times always serialise");
        let update = Update::default().set("subscriptions", string(all));
        self.update(&sweep_partition(""), SORT_KEY, update, None).await?;
        Ok(())
    }

    /// Those of these subscriptions that have delivered, according to the processor.
    pub async fn delivering(&self, ids: &[&str]) -> Result<BTreeSet<String>, StoreError> {
        let key = |id: &str| observed::sort_key(&delivers(id).fact);
        let mut noted = BTreeSet::new();
        for some in ids.chunks(KEYS_PER_READ) {
            let names = some.iter().map(|id| (observed::PARTITION.to_owned(), key(id))).collect();
            let items = self.items.get_many(names, &["pk", "sk"], false).await?;
            noted.extend(items.iter().filter_map(|item| text(item, "sk").map(str::to_owned)));
        }
        let mut delivering = BTreeSet::new();
        delivering.extend(ids.iter().filter(|id| noted.contains(&key(id))).map(|id| (*id).to_owned()));
        Ok(delivering)
    }
}
