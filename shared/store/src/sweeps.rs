//! The table as the reconciler uses it: how far each list was swept, and what is known of what
//! stands in it.

use crate::attributes::{Item, Update, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::head;
use crate::item::{Items, Query};
use crate::keys::{feed_day, partition};
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::collection::Listed;
use webhooks_model::walk::{PAGE_SIZE, Walk};
use webhooks_model::{Collection, EntityId, Origin, Ticks};

/// How many of a day's notifications are looked at for one that came by webhook.
const NEWEST: i32 = 50;
/// The sort key of what is remembered of a tenant that nothing is heard of.
const SILENCE: &str = "SILENCE";
/// BatchGetItem takes no more keys.
const KEYS_PER_READ: usize = 100;
const COMPARED: [&str; 7] = ["pk", "version_resource", "version_body", "etag", "content", "deleted", "gone"];
/// The sort key of where the last run ended.
const PLACE: &str = "PLACE";

/// How far a list was swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// Everything that changed up to here has been looked at.
    pub swept_to: OffsetDateTime,
    /// The most rows to a page, where the ERP refused more.
    pub page_size: Option<usize>,
    /// A sweep that ran out of its budget and goes on in the next run.
    pub unfinished: Option<Unfinished>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Where that sweep ends.
    pub until: OffsetDateTime,
    /// How far it came.
    pub walk: Walk,
}

/// Where the runs go on that have not enough time, calls or messages for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The list that was to be swept next.
    pub list: Option<(String, Collection)>,
    /// The tenant whose feed was to be looked through next.
    pub feed: Option<String>,
}

/// What the heads say about the rows of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Those whose version has reached no head yet.
    pub missing: Vec<Listed>,
    /// How many are newer than their head by their time only: row version or content is what the
    /// head knows.
    pub touched: usize,
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

    /// Where the last run ended; the default before the first one.
    fn place(&self) -> impl Future<Output = Result<Place, StoreError>> + Send;

    fn set_place(&self, place: &Place, now: OffsetDateTime) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When the last webhook of the tenant was accepted, looking back over so many days. What we
    /// found ourselves does not count.
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

    /// Compares rows of a list with their heads. `fetched`: heads of this list know the resource's
    /// clock.
    fn compare(
        &self,
        tenant: &str,
        collection: Collection,
        listed: Vec<Listed>,
        fetched: bool,
    ) -> impl Future<Output = Result<Compared, StoreError>> + Send;
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
        update = match &watermark.unfinished {
            Some(rest) => update.set("until", string(time_text(rest.until))).set("walk", string(json(&rest.walk))),
            None => update.remove("until").remove("walk"),
        };
        update = match watermark.page_size {
            Some(size) => update.set("page_size", number(size)),
            None => update.remove("page_size"),
        };
        let (stored, ours) = (update.name("swept_to"), update.value(string(&swept_to)));
        let condition = format!("attribute_not_exists({stored}) OR {stored} <= {ours}");
        self.update(&sweep_partition(tenant), &sort_key(collection), update, Some(condition)).await?;
        Ok(())
    }

    async fn place(&self) -> Result<Place, StoreError> {
        let item = self.items.get(&sweep_partition(""), PLACE).await?;
        let place = item.as_ref().and_then(|item| serde_json::from_str(text(item, "place")?).ok());
        Ok(place.unwrap_or_default())
    }

    async fn set_place(&self, place: &Place, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().set("place", string(json(place))).set("expires_at", self.ttl(now));
        self.update(&sweep_partition(""), PLACE, update, None).await?;
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

    async fn compare(
        &self,
        tenant: &str,
        collection: Collection,
        listed: Vec<Listed>,
        fetched: bool,
    ) -> Result<Compared, StoreError> {
        let mut known = HashMap::new();
        let entities: HashSet<EntityId> = listed.iter().map(|one| collection.entity_id(tenant, &one.key)).collect();
        let entities: Vec<EntityId> = entities.into_iter().collect();
        for some in entities.chunks(KEYS_PER_READ) {
            known.extend(self.heads(some).await?);
        }
        let mut compared = Compared::default();
        for one in listed {
            let head = known.get(&partition(&collection.entity_id(tenant, &one.key)));
            match head {
                Some(head) if version(head, fetched).is_some_and(|version| one.modified.is_known_by(version)) => {}
                Some(head) if head::shows(head, &one.revision) => compared.touched += 1,
                _ => compared.missing.push(one),
            }
        }
        Ok(compared)
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

    /// What is compared of each head, by partition.
    async fn heads(&self, entities: &[EntityId]) -> Result<HashMap<String, Item>, StoreError> {
        let keys = entities.iter().map(|entity| (partition(entity), head::SORT_KEY.to_owned()));
        let items = self.items.get_many(keys.collect(), &COMPARED, false).await?;
        Ok(items.into_iter().filter_map(|item| Some((text(&item, "pk")?.to_owned(), item))).collect())
    }
}

/// The version of a head. Where resources are `fetched`, it is the resource's: a body may tell when
/// the webhook was made (docs/visma-net.md#bodies), which may be later than the next change.
///
/// Elsewhere it is the newest by any clock. Here alone clocks are mixed: a head brought up to date
/// without fetching knows the body's only, and taking that for older would find a gap in every
/// sweep.
fn version(head: &Item, fetched: bool) -> Option<Ticks> {
    let [resource, body] = ["resource", "body"].map(|clock| head::number_of(head, clock));
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
    let unfinished = time("until").map(|until| {
        let walk = text(item, "walk").and_then(|walk| serde_json::from_str(walk).ok());
        Unfinished { until, walk: walk.unwrap_or_else(|| Walk::new(PAGE_SIZE)) }
    });
    let page_size = integer(item, "page_size").and_then(|size| size.try_into().ok());
    Some(Watermark { swept_to: time("swept_to")?, page_size, unfinished })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts always serialise")
}
