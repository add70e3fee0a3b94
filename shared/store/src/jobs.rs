//! Jobs, the feed that they read, and the outcomes of their notifications. The feed has a tenant's
//! notifications in the order of receipt, or those of all tenants, one tenant after the other. The
//! outcomes are read from the records, so that no notification costs another write.

use crate::attributes::{Item, Update, day_of, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::implied::received_at;
use crate::item::{Items, Query};
use crate::keys::{feed_day, key_of, tenant_in};
use crate::records::{Page, Position, Record, position_in};
use crate::seen::is_of_newer_version;
use crate::table::Table;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Progress, Status, Tally};
use webhooks_model::{LedgerKey, State, Work};

const PARTITION: &str = "jobs";
/// The most days without a notification that one page skips.
const DAYS_PER_PAGE: usize = 31;
/// The most tenants without a notification that one page skips.
const TENANTS_PER_PAGE: usize = 25;
/// Separates the tenant and the place in a position of all tenants. No tenant's id contains it.
const AT: char = '|';

/// A notification that matches a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub key: LedgerKey,
    pub state: State,
    pub event: String,
    pub received_at: OffsetDateTime,
}

/// A page of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The notifications that match the filter, in the order of receipt of each tenant.
    pub found: Vec<Found>,
    /// The position of the next page; `None` at the end.
    pub position: Option<String>,
    /// The number of notifications left out, since only a newer version can read their records.
    pub unread: usize,
}

/// A page of whole records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// Those that match the filter.
    pub records: Vec<Record>,
    /// The position of the next page; `None` at the end.
    pub position: Option<String>,
    /// The number of records left out, since only a newer version can read them. Of the filter, only
    /// its times and its tenant are applied to them.
    pub unread: usize,
}

impl<I: Items> Table<I> {
    /// Saves a new job. `false` if there is a job with this id already.
    pub async fn create(&self, job: &Job) -> Result<bool, StoreError> {
        let work = serde_json::to_string(&job.work).expect("names and times always serialise");
        let update = Update::default()
            .set("work", string(work))
            .set_some("tenant", job.work.tenant().map(string))
            .set("rate", number(job.rate))
            .set("by", string(&job.by))
            .set("note", string(&job.note))
            .set("created_at", string(time_text(job.created_at)))
            .set_some("expected", job.expected.map(number))
            .set("expires_at", self.ttl(job.created_at));
        let mut update = with_progress(update, &job.progress, 0);
        let created = update.name("created_at");
        self.update(PARTITION, &job.id.to_string(), update, Some(format!("attribute_not_exists({created})"))).await
    }

    /// A job that this version cannot read is an error, so that nobody takes it for an expired one.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let item = self.items.get(PARTITION, &id.to_string()).await?;
        item.map(|item| read(&item).ok_or(StoreError::Newer("the job"))).transpose()
    }

    /// The newest jobs, at most `most`, and the number of those left out, since only a newer version
    /// can read them.
    pub async fn jobs(&self, most: i32) -> Result<(Vec<Job>, usize), StoreError> {
        let query = Query { key_condition: "pk = :pk", newest_first: true, limit: Some(most), ..Query::default() };
        let items = self.items.query(query.value(":pk", string(PARTITION))).await?;
        let jobs: Vec<Job> = items.iter().filter_map(read).collect();
        let unread = items.len() - jobs.len();
        Ok((jobs, unread))
    }

    /// Saves progress. `false` if another process has saved progress since the job was read, whose
    /// revision is `progress.revision`.
    pub async fn progress(&self, id: Uuid, progress: &Progress) -> Result<bool, StoreError> {
        let mut update = with_progress(Update::default(), progress, progress.revision + 1);
        let (revision, read) = (update.name("revision"), update.value(number(progress.revision)));
        self.update(PARTITION, &id.to_string(), update, Some(format!("{revision} = {read}"))).await
    }

    /// Reads at most `most` notifications in the filter's range, after `position`.
    pub async fn feed_page(&self, filter: &Filter, position: Option<&str>, most: i32) -> Result<FeedPage, StoreError> {
        let (places, position) = self.places(filter, position, most).await?;
        let (found, unread) = self.found_at(filter, &places).await?;
        Ok(FeedPage { found, position, unread })
    }

    /// Reads at most `most` notifications in the filter's range, after `position`. Returns those of
    /// the filter's entity and event as they are now.
    pub async fn stand(&self, filter: &Filter, position: Option<&str>, most: i32) -> Result<RecordPage, StoreError> {
        let (places, position) = self.places(filter, position, most).await?;
        let Page { mut records, unread, .. } = self.page_of(places).await?;
        // The state may have changed, so it is not a condition.
        let any = Filter { states: vec![], ..filter.clone() };
        records.retain(|record| any.fits(record.state, record.key.entity.entity, &record.event));
        Ok(RecordPage { records, position, unread })
    }

    /// Saves the tally, unless another request has saved one since the job was read.
    pub async fn note_tally(&self, job: &Job, tally: &Tally) -> Result<bool, StoreError> {
        let mut update = Update::default().set("tally", string(json(tally)));
        let [created, known] = ["created_at", "tally"].map(|name| update.name(name));
        let as_read = match &job.tally {
            Some(before) => format!("{known} = {}", update.value(string(json(before)))),
            None => format!("attribute_not_exists({known})"),
        };
        let condition = format!("attribute_exists({created}) AND {as_read}");
        self.update(PARTITION, &job.id.to_string(), update, Some(condition)).await
    }
}

impl<I: Items> Table<I> {
    /// The next places in the filter's range, without its other conditions, and the position of the
    /// following ones.
    pub(crate) async fn places(
        &self,
        filter: &Filter,
        position: Option<&str>,
        most: i32,
    ) -> Result<(Vec<Position>, Option<String>), StoreError> {
        if let Some(tenant) = &filter.tenant {
            return self.places_of(tenant, filter, position, most).await;
        }
        let (own, at) = position.and_then(|position| position.split_once(AT)).unwrap_or_default();
        let tenants = self.all_tenants().await?;
        let mut left = tenants.iter().filter(|tenant| tenant.as_str() >= own);
        for tenant in left.by_ref().take(TENANTS_PER_PAGE) {
            let after = Some(at).filter(|at| tenant == own && !at.is_empty());
            let (places, position) = self.places_of(tenant, filter, after, most).await?;
            if let Some(position) = position {
                return Ok((places, Some(format!("{tenant}{AT}{position}"))));
            }
        }
        Ok((vec![], left.next().map(|tenant| format!("{tenant}{AT}"))))
    }

    /// The same for one tenant. It reads one page of one day, and skips a few empty days.
    async fn places_of(
        &self,
        tenant: &str,
        filter: &Filter,
        position: Option<&str>,
        most: i32,
    ) -> Result<(Vec<Position>, Option<String>), StoreError> {
        let mut after = position.map_or_else(|| time_text(filter.from), str::to_owned);
        let Some(mut day) = day_of(&after) else {
            return Err(StoreError::Mismatch("a job's position is not a place in the feed".into()));
        };
        let end = time_text(filter.to);
        for _ in 0..DAYS_PER_PAGE {
            let places = self.places_of_day(&feed_day(tenant, day), &after, &end, most).await?;
            if let Some(last) = places.last() {
                let position = Some(last.at.clone());
                return Ok((places, position));
            }
            day += Duration::days(1);
            if day >= filter.to {
                return Ok((vec![], None));
            }
            after = time_text(day);
        }
        Ok((vec![], Some(after)))
    }

    async fn places_of_day(&self, day: &str, after: &str, end: &str, most: i32) -> Result<Vec<Position>, StoreError> {
        // BETWEEN includes both ends, and refuses them in the wrong order. `!` sorts before every
        // character of a key, so the place itself is left out. The end is a time without a key, which
        // sorts before all keys of that time, and before the start if both are in one millisecond.
        let after = format!("{after}!");
        if after.as_str() >= end {
            return Ok(vec![]);
        }
        let query = Query {
            index: Some("feed"),
            key_condition: "feed = :day AND feed_at BETWEEN :after AND :end",
            limit: Some(most),
            ..Query::default()
        };
        let query = query.value(":day", string(day)).value(":after", string(after)).value(":end", string(end));
        let items = self.items.query(query).await?;
        Ok(items.iter().filter_map(|item| position_in(item, "feed_at")).collect())
    }

    /// Those that match, and the number of those that cannot be read.
    async fn found_at(&self, filter: &Filter, places: &[Position]) -> Result<(Vec<Found>, usize), StoreError> {
        let names = places.iter().map(|place| (place.pk.clone(), place.sk.clone())).collect();
        let items = self.items.get_many(names, &["pk", "sk", "state", "event", "feed_at"], true).await?;
        let at = |place: &Position| {
            let is_there = |item: &&Item| text(item, "pk") == Some(&place.pk) && text(item, "sk") == Some(&place.sk);
            items.iter().find(is_there).and_then(found)
        };
        let fits = |one: &Found| filter.fits(one.state, one.key.entity.entity, &one.event);
        let unread = items.iter().filter(|item| is_of_newer_version(item)).count();
        Ok((places.iter().filter_map(at).filter(fits).collect(), unread))
    }
}

/// The position after a record, as [`Table::feed_page`] takes it.
#[must_use]
pub fn position_after(filter: &Filter, record: &Position) -> String {
    match filter.tenant {
        Some(_) => record.at.clone(),
        None => format!("{}{AT}{}", tenant_in(&record.pk).unwrap_or_default(), record.at),
    }
}

/// The place within a tenant's feed that a position names; empty at its start.
#[must_use]
pub fn place_in_feed<'p>(filter: &Filter, position: &'p str) -> &'p str {
    match filter.tenant {
        Some(_) => position,
        None => position.split_once(AT).map_or(position, |(_, place)| place),
    }
}

fn found(item: &Item) -> Option<Found> {
    Some(Found {
        key: key_of(text(item, "pk")?, text(item, "sk")?)?,
        state: text(item, "state").and_then(State::parse)?,
        event: text(item, "event")?.to_owned(),
        received_at: received_at(item)?,
    })
}

fn with_progress(update: Update, progress: &Progress, revision: u64) -> Update {
    let update = update
        .set("status", string(progress.status.as_str()))
        .set("done", number(progress.done))
        .set("skipped", number(progress.skipped))
        .set("due_at", string(time_text(progress.due_at)))
        .set("revision", number(revision))
        .set("updated_at", string(time_text(progress.updated_at)));
    match &progress.position {
        Some(position) => update.set("position", string(position)),
        None => update.remove("position"),
    }
}

fn read(item: &Item) -> Option<Job> {
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    let known = |name| integer(item, name).and_then(|count| u64::try_from(count).ok());
    let count = |name| known(name).unwrap_or(0);
    Some(Job {
        id: Uuid::try_parse(text(item, "sk")?).ok()?,
        work: Work::read(text(item, "work")?)?,
        rate: u32::try_from(count("rate")).ok()?,
        by: text(item, "by").unwrap_or_default().to_owned(),
        note: text(item, "note").unwrap_or_default().to_owned(),
        created_at: time("created_at")?,
        expected: known("expected"),
        progress: Progress {
            status: Status::parse(text(item, "status")?)?,
            position: text(item, "position").map(str::to_owned),
            done: count("done"),
            skipped: count("skipped"),
            due_at: time("due_at")?,
            revision: count("revision"),
            updated_at: time("updated_at")?,
        },
        tally: text(item, "tally").and_then(|tally| serde_json::from_str(tally).ok()),
    })
}

fn json(tally: &Tally) -> String {
    serde_json::to_string(tally).expect("numbers and times always serialise")
}
