//! The table for the reconciler: how far each list was swept, and what is known about its rows.

use crate::attributes::{Item, Update, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::head;
use crate::implied::received_at;
use crate::item::{Items, MOST_KEPT, Query};
use crate::keys::{feed_day, partition};
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::collection::Listed;
use webhooks_model::reference::tenant_digits;
use webhooks_model::walk::{PAGE_SIZE, Walk};
use webhooks_model::{Collection, EntityId, Origin, Ticks};

/// The notifications of a day that are read first to find one that came by webhook.
const NEWEST: i32 = 50;
/// The sort key of the item about a silent tenant.
const SILENCE: &str = "SILENCE";
const COMPARED: [&str; 8] =
    ["pk", "version_resource", "version_body", "updated_at", "etag", "content", "deleted", "gone"];
/// The sort key of the place where the last run ended.
const PLACE: &str = "PLACE";

/// How far a list was swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// All changes up to this time have been compared.
    pub swept_to: OffsetDateTime,
    /// The most rows per page, if the ERP refused more.
    pub page_size: Option<usize>,
    /// A sweep that used up its budget and continues in the next run.
    pub unfinished: Option<Unfinished>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The time at which that sweep ends.
    pub until: OffsetDateTime,
    /// How far it came.
    pub walk: Walk,
}

/// Where the next run continues, if a run has not enough time, calls or messages for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The list to sweep next.
    pub list: Option<(String, Collection)>,
    /// The tenant whose feed to read next.
    pub feed: Option<String>,
    /// The tenant whose hours to count next.
    pub hours: Option<String>,
    /// The tenant whose silence to check next.
    pub silence: Option<String>,
}

impl Place {
    fn map(self, tenant: impl Fn(String) -> Option<String>) -> Self {
        let list = self.list.and_then(|(name, collection)| Some((tenant(name)?, collection)));
        let [feed, hours, silence] = [self.feed, self.hours, self.silence].map(|name| name.and_then(&tenant));
        Self { list, feed, hours, silence }
    }
}

/// Stands for a tenant in the place, which an erasure of the tenant does not delete.
fn digits_of(tenant: &str) -> String {
    tenant_digits(&tenant.to_lowercase())
}

/// The comparison of a list's rows with the heads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The rows whose version is in no head yet.
    pub missing: Vec<Listed>,
    /// The number of rows that are newer than their head only by time: the head knows their row
    /// version or content.
    pub touched: usize,
}

/// The operations of the reconciler on the table.
impl<I: Items> Table<I> {
    /// The watermark of a list; `None` if it was never swept.
    pub async fn watermark(&self, tenant: &str, collection: Collection) -> Result<Option<Watermark>, StoreError> {
        let item = self.items.get(&sweep_partition(tenant), &sort_key(collection)).await?;
        Ok(item.as_ref().and_then(read))
    }

    /// Moves the watermark. It never moves back, whichever run writes last.
    pub async fn set_watermark(
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

    /// Where the last run ended, as far as it names one of these tenants; the default before the
    /// first run.
    pub async fn place(&self, tenants: &[&str]) -> Result<Place, StoreError> {
        let item = self.items.get(&sweep_partition(""), PLACE).await?;
        let place: Option<Place> = item.as_ref().and_then(|item| serde_json::from_str(text(item, "place")?).ok());
        let named = |digits: String| {
            let tenant = tenants.iter().find(|tenant| digits_of(tenant) == digits);
            tenant.map(|&tenant| tenant.to_owned())
        };
        Ok(place.unwrap_or_default().map(named))
    }

    pub async fn set_place(&self, place: &Place, now: OffsetDateTime) -> Result<(), StoreError> {
        let place = place.clone().map(|tenant| Some(digits_of(&tenant)));
        let update = Update::default().set("place", string(json(&place))).set("expires_at", self.ttl(now));
        self.update(&sweep_partition(""), PLACE, update, None).await?;
        Ok(())
    }

    /// When the tenant's last webhook was accepted, within this many days. Notifications that the
    /// reconciler found do not count.
    pub async fn last_heard(
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

    /// Since when a tenant is silent. With `heard`, since that time, which is recorded. Without it,
    /// since the recorded time. If none is recorded, since `now`, which is then recorded.
    pub async fn silent_since(
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

    /// Compares rows of a list with their heads. `fetched`: the heads of this list know the
    /// resource's clock.
    pub async fn compare(
        &self,
        tenant: &str,
        collection: Collection,
        listed: Vec<Listed>,
        fetched: bool,
        now: OffsetDateTime,
    ) -> Result<Compared, StoreError> {
        let entities: HashSet<EntityId> = listed.iter().map(|one| collection.entity_id(tenant, &one.key)).collect();
        let known = self.heads(&entities).await?;
        let mut compared = Compared::default();
        for one in listed {
            let head = known.get(&partition(&collection.entity_id(tenant, &one.key)));
            match head {
                Some(head) if version(head, fetched, now).is_some_and(|version| one.modified.is_known_by(version)) => {}
                Some(head) if head::shows(head, &one.revision) => compared.touched += 1,
                _ => compared.missing.push(one),
            }
        }
        Ok(compared)
    }
}

impl<I: Items> Table<I> {
    /// Only if the newest notifications of the day are all found changes, whole pages are read.
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
        let mut query = query.value(":webhook", string(Origin::Webhook.as_str()));
        for _ in 0..MOST_KEPT {
            let page = self.items.query_page(&query).await?;
            if let Some(newest) = page.items.first() {
                return Ok(received_at(newest));
            }
            (query.after, query.limit) = (page.last_evaluated, None);
            if query.after.is_none() {
                return Ok(None);
            }
        }
        Err(StoreError::TooMuch(MOST_KEPT))
    }

    /// The compared attributes of each head, by partition.
    async fn heads(&self, entities: &HashSet<EntityId>) -> Result<HashMap<String, Item>, StoreError> {
        let keys = entities.iter().map(|entity| (partition(entity), head::SORT_KEY.to_owned()));
        let items = self.items.get_many(keys.collect(), &COMPARED, false).await?;
        Ok(items.into_iter().filter_map(|item| Some((text(&item, "pk")?.to_owned(), item))).collect())
    }
}

/// The version of a head. If resources are `fetched`, it is the resource's, since a body may have
/// the time at which the webhook was made (docs/visma-net.md#bodies), which may be later than the
/// next change.
///
/// Otherwise it is the newest by any clock. Only here are clocks mixed: a head that was written
/// without a fetch knows only the body's clock, and would look older than its row in every sweep.
///
/// A body's time ahead of UTC is taken for the time at which the head was written. As it is, it
/// would hide the changes of the next hour or two.
fn version(head: &Item, fetched: bool, now: OffsetDateTime) -> Option<Ticks> {
    let [resource, body] = ["resource", "body"].map(|clock| head::version_of(head, clock, now));
    let body = body.map(|body| head::written_before(head, body).unwrap_or(body));
    if fetched { resource.or(body) } else { resource.max(body) }
}

/// In lower case like every key of a tenant, or an erasure would not find it. The settings may have
/// the id in upper case.
pub(crate) fn sweep_partition(tenant: &str) -> String {
    format!("{}#reconciliation#", tenant.to_lowercase())
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
