//! Tenants whose quota of calls was used up, and the notifications that wait for it.

use crate::attributes::{Item, Update, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{key_of, keys_of, tenant_of};
use crate::pending::{AT_ONCE, Mark};
use crate::sweeps::sweep_partition;
use crate::table::Table;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::{Allowance, LedgerKey, sorted};

const SORT_KEY: &str = "ALLOWANCE";
/// The mark of allowances in the `attention` index.
const MARK: &str = "allowance";
const ATTRIBUTES: [&str; 7] = ["pk", "sk", "attention", "calls_limit", "calls_each", "resets_at", "released_to"];

impl<I: Items> Table<I> {
    /// The allowances of all tenants that recently had no calls left.
    pub async fn allowances(&self) -> Result<Vec<Allowance>, StoreError> {
        let places = self.in_index(MARK, usize::MAX).await?;
        let mut all = vec![];
        for some in places.chunks(AT_ONCE as usize) {
            let keys = some.iter().filter_map(keys_of).collect();
            all.extend(self.items.get_many(keys, &ATTRIBUTES, true).await?.iter().filter_map(read));
        }
        Ok(sorted::by(all, |a, b| a.tenant.cmp(&b.tenant)))
    }

    /// The notifications that wait for the tenant's calls, in the order of receipt. The index may
    /// lag behind, so each one is read again from the table.
    pub async fn waiting(&self, tenant: &str, most: usize) -> Result<Vec<LedgerKey>, StoreError> {
        let mark = Mark::Limited.value(tenant);
        let places = self.in_index(&mark, most).await?;
        let mut all = vec![];
        for some in places.chunks(AT_ONCE as usize) {
            let items = self.as_they_are(some).await?;
            let still = items.iter().filter(|item| text(item, "attention") == Some(&mark));
            all.extend(still.filter_map(|item| key_of(text(item, "pk")?, text(item, "sk")?)));
        }
        Ok(all)
    }

    /// Records until when the quota was given to waiting notifications.
    pub async fn set_released(&self, tenant: &str, to: OffsetDateTime, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().set("released_to", string(time_text(to))).set("expires_at", self.ttl(now));
        self.update(&sweep_partition(tenant), SORT_KEY, update, None).await?;
        Ok(())
    }

    /// Records that a tenant's calls are used up until the window ends.
    pub async fn used_up(&self, allowance: &Allowance, now: OffsetDateTime) -> Result<(), StoreError> {
        let resets_at = string(time_text(allowance.resets_at));
        let update = Update::default()
            .set("attention", string(MARK))
            .set("attention_at", string(time_text(now)))
            .set_some("calls_limit", allowance.limit.map(number))
            .set("calls_each", number(allowance.calls_each))
            .set("resets_at", resets_at)
            .set("expires_at", self.ttl(now));
        self.update(&sweep_partition(&allowance.tenant), SORT_KEY, update, None).await?;
        Ok(())
    }

    /// The keys of the items with the mark, oldest first.
    async fn in_index(&self, mark: &str, most: usize) -> Result<Vec<Item>, StoreError> {
        let query = Query {
            index: Some("attention"),
            key_condition: "attention = :mark",
            limit: i32::try_from(most).ok(),
            ..Query::default()
        };
        self.items.query(query.value(":mark", string(mark))).await
    }
}

fn read(item: &Item) -> Option<Allowance> {
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    let positive = |name| integer(item, name).and_then(|number| u64::try_from(number).ok());
    Some(Allowance {
        tenant: tenant_of(item)?,
        limit: positive("calls_limit"),
        calls_each: positive("calls_each").unwrap_or(1),
        resets_at: time("resets_at")?,
        released_to: time("released_to"),
    })
}
