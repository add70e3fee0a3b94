//! Tenants whose quota of calls was used up, and the notifications that wait for it.

use crate::attributes::{Item, Update, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, MOST_READ, Query};
use crate::keys::{key_of, keys_of, tenant_of};
use crate::marks::Mark;
use crate::pending::AT_ONCE;
use crate::seen::is_of_newer_version;
use crate::sweeps::sweep_partition;
use crate::table::Table;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{Allowance, LedgerKey, sorted};

const SORT_KEY: &str = "ALLOWANCE";
/// The mark of allowances in the `attention` index.
const MARK: &str = "allowance";
/// Ends of a window that are not further apart are the same end, told at different times.
const SAME_END: Duration = Duration::MINUTE;
const ATTRIBUTES: [&str; 7] = ["pk", "sk", "attention", "calls_limit", "calls_each", "resets_at", "released_to"];

/// A notification that waits for the tenant's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub key: LedgerKey,
    /// Whether the notification itself waits, or its feedback.
    pub mark: Mark,
    /// `None` if it is not decided yet.
    pub feedback: Option<FeedbackState>,
    /// The time of the mark.
    since: String,
}

impl<I: Items> Table<I> {
    /// The allowances of all tenants that recently had no calls left.
    pub async fn allowances(&self) -> Result<Vec<Allowance>, StoreError> {
        let places = self.items.query(in_index(MARK)).await?;
        let keys = places.iter().filter_map(keys_of).collect();
        let items = self.items.get_many(keys, &ATTRIBUTES, true).await?;
        Ok(sorted::by(items.iter().filter_map(read), |a, b| a.tenant.cmp(&b.tenant)))
    }

    /// The notifications that wait for the tenant's calls, and those whose feedback does, in the
    /// order of receipt.
    pub async fn waiting(&self, tenant: &str, most: usize) -> Result<Vec<Waiting>, StoreError> {
        let mut feedback = self.with_mark(Mark::LimitedFeedback, tenant, most).await?.into_iter().peekable();
        let mut all = vec![];
        for one in self.with_mark(Mark::Limited, tenant, most).await? {
            while let Some(earlier) = feedback.next_if(|other| other.since < one.since) {
                all.push(earlier);
            }
            all.push(one);
        }
        all.extend(feedback);
        all.truncate(most);
        Ok(all)
    }

    /// The index may lag behind, so each one is read again from the table. Those that only a newer
    /// version can read are left out, with their marks. They stay first in the list, so it reads on
    /// behind them.
    async fn with_mark(&self, mark: Mark, tenant: &str, most: usize) -> Result<Vec<Waiting>, StoreError> {
        let value = mark.value(tenant);
        let first = i32::try_from(most).map_or(AT_ONCE, |most| most.min(AT_ONCE));
        let mut query = Query { limit: Some(first), ..in_index(&value) };
        let mut all = vec![];
        for _ in 0..MOST_READ {
            let page = self.items.query_page(&query).await?;
            let items = self.as_they_are(&page.items).await?;
            let still = items
                .iter()
                .filter(|item| text(item, "attention") == Some(value.as_str()) && !is_of_newer_version(item));
            all.extend(still.filter_map(|item| read_waiting(mark, item)));
            (query.after, query.limit) = (page.last_evaluated, Some(AT_ONCE));
            if query.after.is_none() || all.len() >= most {
                break;
            }
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
        let update = self.window(allowance, now).set("calls_each", number(allowance.calls_each));
        self.update(&sweep_partition(&allowance.tenant), SORT_KEY, update, None).await?;
        Ok(())
    }

    /// The same for a feedback. Many of them may tell the same end, and only the first changes the
    /// item. What the processor has recorded about the calls of a notification stays.
    pub(crate) async fn used_up_for_feedback(
        &self,
        allowance: &Allowance,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut update = self.window(allowance, now).set_if_absent("calls_each", number(allowance.calls_each));
        let earlier = string(time_text(allowance.resets_at - SAME_END));
        let (known, earlier) = (update.name("resets_at"), update.value(earlier));
        let condition = format!("attribute_not_exists({known}) OR {known} <= {earlier}");
        self.update(&sweep_partition(&allowance.tenant), SORT_KEY, update, Some(condition)).await?;
        Ok(())
    }

    fn window(&self, allowance: &Allowance, now: OffsetDateTime) -> Update {
        Update::default()
            .set("attention", string(MARK))
            .set("attention_at", string(time_text(now)))
            .set_some("calls_limit", allowance.limit.map(number))
            .set("resets_at", string(time_text(allowance.resets_at)))
            .set("expires_at", self.ttl(now))
    }
}

/// The keys of the items with the mark, oldest first.
fn in_index(mark: &str) -> Query {
    let query = Query { index: Some("attention"), key_condition: "attention = :mark", ..Query::default() };
    query.value(":mark", string(mark))
}

fn read_waiting(mark: Mark, item: &Item) -> Option<Waiting> {
    Some(Waiting {
        key: key_of(text(item, "pk")?, text(item, "sk")?)?,
        mark,
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        since: text(item, "attention_at")?.to_owned(),
    })
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
