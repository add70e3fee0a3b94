//! The table as the reconciler uses it: how far each list was swept, and what is known of what stands in it.

use crate::attributes::{Item, Update, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::head;
use crate::item::{Items, Query};
use crate::keys::{feed_day, partition};
use crate::table::Table;
use std::collections::{HashMap, HashSet};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::collection::Listed;
use webhooks_model::{Collection, EntityId, Origin, Ticks};

/// How many of a day's notifications are looked at for one that came by webhook.
const NEWEST: i32 = 50;
/// The sort key of what is remembered of a tenant that nothing is heard of.
const SILENCE: &str = "SILENCE";
/// BatchGetItem takes no more keys.
const KEYS_PER_READ: usize = 100;

/// How far a list was swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// Everything that changed up to here has been looked at.
    pub swept_to: OffsetDateTime,
    /// A sweep that ran out of its budget and goes on in the next run.
    pub unfinished: Option<Unfinished>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfinished {
    /// Where that sweep ends.
    pub until: OffsetDateTime,
    /// The page it goes on with, counted from 0.
    pub page: u32,
    /// How many resources stood in the pages before.
    pub seen: usize,
}

/// What the reconciler needs of the table.
pub trait Sweeps: Send + Sync {
    /// `None` for a list that was never swept.
    fn watermark(
        &self,
        tenant: &str,
        collection: Collection,
    ) -> impl Future<Output = Result<Option<Watermark>, StoreError>> + Send;

    /// Moves the watermark. It never moves back, whoever writes last.
    fn set_watermark(
        &self,
        tenant: &str,
        collection: Collection,
        watermark: &Watermark,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When the last webhook of the tenant was accepted, looking back over so many days. What we found ourselves does not count.
    fn last_heard(
        &self,
        tenant: &str,
        now: OffsetDateTime,
        days: u16,
    ) -> impl Future<Output = Result<Option<OffsetDateTime>, StoreError>> + Send;

    /// Since when nothing has been heard of a tenant. With `heard`, since then, which is
    /// remembered. Without it, since what is remembered; and where nothing is, since `now`, which
    /// is remembered from now on.
    fn silent_since(
        &self,
        tenant: &str,
        heard: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<OffsetDateTime, StoreError>> + Send;

    /// Those of `listed` whose version has reached no head yet. `fetched`: heads of this list know the
    /// resource's clock.
    fn missing(
        &self,
        tenant: &str,
        collection: Collection,
        listed: Vec<Listed>,
        fetched: bool,
    ) -> impl Future<Output = Result<Vec<Listed>, StoreError>> + Send;
}

impl<I: Items> Sweeps for Table<I> {
    async fn watermark(&self, tenant: &str, collection: Collection) -> Result<Option<Watermark>, StoreError> {
        let item = self.items.get(&sweep_partition(tenant), &sort_key(collection)).await?;
        Ok(item.as_ref().and_then(read))
    }

    async fn set_watermark(
        &self,
        tenant: &str,
        collection: Collection,
        watermark: &Watermark,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let swept_to = time_text(watermark.swept_to);
        let mut update = Update::default().set("swept_to", string(&swept_to)).set("expires_at", self.ttl(now));
        update = match watermark.unfinished {
            Some(rest) => update
                .set("until", string(time_text(rest.until)))
                .set("page", number(rest.page))
                .set("seen", number(rest.seen)),
            None => update.remove("until").remove("page").remove("seen"),
        };
        let (stored, ours) = (update.name("swept_to"), update.value(string(&swept_to)));
        let condition = format!("attribute_not_exists({stored}) OR {stored} <= {ours}");
        self.update(&sweep_partition(tenant), &sort_key(collection), update, Some(condition)).await?;
        Ok(())
    }

    async fn last_heard(
        &self,
        tenant: &str,
        now: OffsetDateTime,
        days: u16,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        for day in 0..=i64::from(days) {
            let heard = self.last_heard_on(tenant, now - Duration::days(day)).await?;
            if heard.is_some() {
                return Ok(heard);
            }
        }
        Ok(None)
    }

    async fn silent_since(
        &self,
        tenant: &str,
        heard: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, StoreError> {
        let since = string(time_text(heard.unwrap_or(now)));
        let update = Update::default().set("expires_at", self.ttl(now));
        let update = if heard.is_some() { update.set("since", since) } else { update.set_if_absent("since", since) };
        let before = self.replace(&sweep_partition(tenant), SILENCE, update, None).await?.unwrap_or_default();
        let remembered = text(&before, "since").and_then(|since| OffsetDateTime::parse(since, &Rfc3339).ok());
        Ok(heard.or(remembered).unwrap_or(now))
    }

    async fn missing(
        &self,
        tenant: &str,
        collection: Collection,
        listed: Vec<Listed>,
        fetched: bool,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut known = HashMap::new();
        let entities: HashSet<EntityId> = listed.iter().map(|one| collection.entity_id(tenant, &one.key)).collect();
        let entities: Vec<EntityId> = entities.into_iter().collect();
        for some in entities.chunks(KEYS_PER_READ) {
            known.extend(self.versions(some, fetched).await?);
        }
        let is_missing = |one: &Listed| {
            let version = known.get(&partition(&collection.entity_id(tenant, &one.key)));
            version.is_none_or(|version| !one.modified.is_known_by(*version))
        };
        Ok(listed.into_iter().filter(is_missing).collect())
    }
}

impl<I: Items> Table<I> {
    async fn last_heard_on(&self, tenant: &str, day: OffsetDateTime) -> Result<Option<OffsetDateTime>, StoreError> {
        let query = Query {
            index: Some("feed"),
            key_condition: "feed = :day",
            filter: Some("origin = :webhook"),
            newest_first: true,
            limit: Some(NEWEST),
            ..Query::default()
        };
        let query = query.value(":day", string(feed_day(tenant, day)));
        let newest =
            self.items.query(query.value(":webhook", string(Origin::Webhook.as_str()))).await?.into_iter().next();
        Ok(newest.and_then(|item| {
            let (received, _) = text(&item, "feed_at")?.split_once('#')?;
            OffsetDateTime::parse(received, &Rfc3339).ok()
        }))
    }

    /// The version of each head, by partition. Where resources are `fetched`, it is the resource's: a
    /// body may tell when the webhook was made (reference 9.9), which may be later than the next change.
    ///
    /// Elsewhere it is the newest by any clock. Here alone clocks are mixed: a head brought up to date
    /// without fetching knows the body's only, and taking that for older would find a gap in every sweep.
    async fn versions(&self, entities: &[EntityId], fetched: bool) -> Result<HashMap<String, Ticks>, StoreError> {
        let keys = entities.iter().map(|entity| (partition(entity), head::SORT_KEY.to_owned()));
        let items = self.items.get_many(keys.collect(), &["pk", "version_resource", "version_body"], false).await?;
        Ok(items.iter().filter_map(|item| Some((text(item, "pk")?.to_owned(), version(item, fetched)?))).collect())
    }
}

fn version(item: &Item, fetched: bool) -> Option<Ticks> {
    let [resource, body] = ["resource", "body"].map(|clock| head::number_of(item, clock));
    let version = if fetched { resource.or(body) } else { resource.max(body) };
    version.and_then(Ticks::new)
}

pub(crate) fn sweep_partition(tenant: &str) -> String {
    format!("{tenant}#reconciliation#")
}

fn sort_key(collection: Collection) -> String {
    format!("SWEEP#{collection}")
}

fn read(item: &Item) -> Option<Watermark> {
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    let unfinished = time("until").map(|until| Unfinished {
        until,
        page: integer(item, "page").and_then(|page| page.try_into().ok()).unwrap_or(0),
        seen: integer(item, "seen").and_then(|seen| seen.try_into().ok()).unwrap_or(0),
    });
    Some(Watermark { swept_to: time("swept_to")?, unfinished })
}
