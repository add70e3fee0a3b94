//! Which subscriptions have ever delivered anything. That one did is a fact that the processor
//! notes; what became of waiting for one is remembered in one item for all of them.

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
/// BatchGetItem takes no more keys.
const KEYS_PER_READ: usize = 100;

/// Those of one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliveries {
    /// There was one.
    Seen,
    /// There was none yet.
    Awaited {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
}

/// What the reconciler asks about subscriptions.
pub trait Subscriptions: Send + Sync {
    /// What is remembered, by id. Empty before the first run.
    fn subscriptions(&self) -> impl Future<Output = Result<BTreeMap<String, Deliveries>, StoreError>> + Send;

    /// It is remembered for ever: a fact that is forgotten after the retention does not make a
    /// subscription one that never delivered.
    fn set_subscriptions(
        &self,
        all: &BTreeMap<String, Deliveries>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Of these, the ones that the processor has seen a delivery of.
    fn delivering(&self, ids: &[&str]) -> impl Future<Output = Result<BTreeSet<String>, StoreError>> + Send;
}

impl<I: Items> Subscriptions for Table<I> {
    async fn subscriptions(&self) -> Result<BTreeMap<String, Deliveries>, StoreError> {
        let item = self.items.get(&sweep_partition(""), SORT_KEY).await?;
        let all = item.as_ref().and_then(|item| serde_json::from_str(text(item, "subscriptions")?).ok());
        Ok(all.unwrap_or_default())
    }

    async fn set_subscriptions(&self, all: &BTreeMap<String, Deliveries>) -> Result<(), StoreError> {
        let all = serde_json::to_string(all).expect("ids and times always serialise");
        let update = Update::default().set("subscriptions", string(all));
        self.update(&sweep_partition(""), SORT_KEY, update, None).await?;
        Ok(())
    }

    async fn delivering(&self, ids: &[&str]) -> Result<BTreeSet<String>, StoreError> {
        let key = |id: &str| observed::sort_key(&delivers(id).fact);
        let keys: BTreeSet<String> = ids.iter().map(|id| key(id)).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let mut noted = BTreeSet::new();
        for some in keys.chunks(KEYS_PER_READ) {
            let names = some.iter().map(|key| (observed::PARTITION.to_owned(), key.clone())).collect();
            let items = self.items.get_many(names, &["pk", "sk"], false).await?;
            noted.extend(items.iter().filter_map(|item| text(item, "sk").map(str::to_owned)));
        }
        Ok(ids.iter().filter(|id| noted.contains(&key(id))).map(|id| (*id).to_owned()).collect())
    }
}
