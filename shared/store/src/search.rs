//! Search for notifications of all tenants. The feed is read back in time. Its keys alone show
//! whether a notification matches: they contain the tenant, the number, and the ids of Visma Net
//! and of the events.

use crate::attributes::{Item, day_of, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{feed_day, key_of};
use crate::records::{Page, Position, Record, position_in};
use crate::table::Table;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::{LedgerKey, Reference, sorted};

/// Entries per read. An entry of the index has at most 2.4 KB, so a read stays below DynamoDB's 1
/// MB.
const LEAF: usize = 250;
/// The number of tenants that are read at the same time.
const AT_ONCE: usize = 4;
/// The most reads and the most entries of the feed per request.
const MOST_READS: usize = 100;
const MOST_ENTRIES: usize = 5_000;
/// The most entries read for a reference whose notification was received again later, so that its
/// place in the feed has changed.
const LATER: i32 = 1_000;

/// What to search.
#[derive(Debug, Clone)]
pub struct SearchQuery<'a> {
    /// Sorted by id.
    pub tenants: &'a [String],
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
    /// Where the previous request ended.
    pub after: Option<&'a Position>,
    /// The most records to find.
    pub most: usize,
}

/// The result of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// Newest first.
    pub records: Vec<Record>,
    /// The position of the next page; `None` at the end.
    pub next: Option<Position>,
    /// Everything received at this time or later has been searched, of every tenant.
    pub searched_to: OffsetDateTime,
    /// The number of matches left out, since only a newer version can read their records.
    pub unread: usize,
}

impl<I: Items> Table<I> {
    /// The known tenants, sorted by id.
    pub async fn tenants(&self) -> Result<Vec<String>, StoreError> {
        self.all_tenants().await
    }

    /// Marks a tenant as known, once per process. The reconciler marks the tenants of the settings.
    /// Short references of other tenants, or before its first run, can be read only after this.
    pub async fn know(&self, tenant: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        self.mark_tenant(tenant, now).await
    }

    /// The key of the record with this short reference.
    pub async fn named(&self, reference: Reference) -> Result<Option<LedgerKey>, StoreError> {
        let moment = time_text(reference.received_at());
        for tenant in self.tenants_of(&reference.tenant()).await? {
            let start = format!("{moment}#{}", reference.content());
            let there = self.between(&tenant, &start, &format!("{start}~"), None).await?;
            if let Some(key) = there.into_iter().find(|key| reference.is_of(key)) {
                return Ok(Some(key));
            }
            let next = time_text(reference.received_at().saturating_add(Duration::days(1)));
            for start in [moment.as_str(), &next[..10]] {
                let later = self.between(&tenant, start, &format!("{}~", &start[..10]), Some(LATER)).await?;
                if let Some(key) = later.into_iter().find(|key| reference.is_of(key)) {
                    return Ok(Some(key));
                }
            }
        }
        Ok(None)
    }

    /// Searches back from `to` for records whose keys match: day by day, and each day tenant by
    /// tenant.
    pub async fn seek(
        &self,
        seek: &SearchQuery<'_>,
        fits: &(dyn Fn(&LedgerKey) -> bool + Sync),
    ) -> Result<SearchPage, StoreError> {
        let start = time_text(seek.from);
        let mut place = seek.after.map_or_else(|| Place::begin(time_text(seek.to)), Place::read);
        let mut found: Vec<Position> = vec![];
        let (mut reads, mut entries, mut is_end) = (0, 0, false);
        while found.len() < seek.most && reads < MOST_READS && entries < MOST_ENTRIES {
            let some = place.some_of(seek.tenants);
            if some.is_empty() {
                is_end = !place.go_back(seek.from);
                if is_end {
                    break;
                }
                continue;
            }
            let leaves = self.leaves(some, &place, &start).await?;
            reads += some.len();
            for (tenant, leaf) in some.iter().zip(leaves) {
                entries += leaf.entries;
                let fitting = leaf.places.into_iter().filter(|(key, _)| fits(key)).map(|(_, position)| position);
                found.extend(fitting.take(seek.most - found.len()));
                let last = found.last().filter(|_| found.len() == seek.most).map(|last| last.at.clone());
                // The results of the other reads are dropped, and read again by the next request.
                if !place.go_on(tenant, last.or(leaf.rest)) {
                    break;
                }
            }
        }
        let searched_to = if is_end { seek.from } else { place.searched_to().max(seek.from) };
        let Page { records, unread, .. } = self.page_of(found).await?;
        let records = sorted::by(records, |a, b| b.position.at.cmp(&a.position.at));
        Ok(SearchPage { records, next: (!is_end).then(|| place.position()), searched_to, unread })
    }
}

impl<I: Items> Table<I> {
    /// Reads the notifications of these tenants on the day of the place.
    async fn leaves(&self, tenants: &[String], place: &Place, start: &str) -> Result<Vec<Leaf>, StoreError> {
        let leaf = |at: usize| self.leaf(tenants.get(at), place, start);
        let (one, two, three, four) = tokio::try_join!(leaf(0), leaf(1), leaf(2), leaf(3))?;
        Ok(vec![one, two, three, four])
    }

    async fn leaf(&self, tenant: Option<&String>, place: &Place, start: &str) -> Result<Leaf, StoreError> {
        // The tenant of the place may no longer be known, and the place is not valid for another
        // tenant.
        let below = place.below.as_deref().filter(|_| tenant.is_some_and(|tenant| *tenant == place.tenant));
        let below = below.unwrap_or(&place.day);
        let day = day_of(&place.day).filter(|_| below >= start);
        let (Some(tenant), Some(day)) = (tenant, day) else { return Ok(Leaf::default()) };
        let query = Query {
            index: Some("feed"),
            key_condition: "feed = :day AND feed_at BETWEEN :start AND :below",
            newest_first: true,
            limit: i32::try_from(LEAF).ok(),
            ..Query::default()
        };
        let query = query
            .value(":day", string(feed_day(tenant, day)))
            .value(":start", string(start))
            .value(":below", string(below));
        let items = self.items.query(query).await?;
        let last = items.last().filter(|_| items.len() >= LEAF).and_then(|item| text(item, "feed_at"));
        let key = |item: &Item| Some((key_of(text(item, "pk")?, text(item, "sk")?)?, position_in(item, "feed_at")?));
        // BETWEEN includes both ends.
        let places = items.iter().filter_map(key).filter(|(_, position)| position.at.as_str() < below).collect();
        Ok(Leaf { places, entries: items.len(), rest: last.map(str::to_owned) })
    }

    /// The keys of the notifications received between two places of one day.
    async fn between(
        &self,
        tenant: &str,
        start: &str,
        end: &str,
        most: Option<i32>,
    ) -> Result<Vec<LedgerKey>, StoreError> {
        let Some(day) = day_of(start) else { return Ok(vec![]) };
        let query = Query {
            index: Some("feed"),
            key_condition: "feed = :day AND feed_at BETWEEN :start AND :end",
            limit: most,
            ..Query::default()
        };
        let query = query.value(":day", string(feed_day(tenant, day)));
        let items = self.items.query(query.value(":start", string(start)).value(":end", string(end))).await?;
        Ok(items.iter().filter_map(|item| key_of(text(item, "pk")?, text(item, "sk")?)).collect())
    }
}

/// The result of one read of a tenant's day.
#[derive(Debug, Default)]
struct Leaf {
    /// Newest first.
    places: Vec<(LedgerKey, Position)>,
    entries: usize,
    /// The place below which the day continues.
    rest: Option<String>,
}

/// The progress of the search.
#[derive(Debug)]
struct Place {
    /// The upper end of the day: the time where the search began, or a text that sorts after every
    /// time of the day.
    day: String,
    /// The next tenant, or a text that sorts before it.
    tenant: String,
    /// The place in the tenant's day.
    below: Option<String>,
}

/// It sorts before every tenant's id.
const BEFORE_ALL: &str = "!";

impl Place {
    fn begin(day: String) -> Self {
        Self { day, tenant: BEFORE_ALL.to_owned(), below: None }
    }

    fn read(position: &Position) -> Self {
        let below = Some(position.at.clone()).filter(|at| *at != position.sk);
        Self { day: position.sk.clone(), tenant: position.pk.clone(), below }
    }

    fn position(self) -> Position {
        Position { at: self.below.unwrap_or_else(|| self.day.clone()), pk: self.tenant, sk: self.day }
    }

    /// The tenants to read next: several at the same time, or one whose day is long.
    fn some_of<'a>(&self, tenants: &'a [String]) -> &'a [String] {
        let left = &tenants[tenants.partition_point(|tenant| *tenant < self.tenant)..];
        let at_once = if self.below.is_some() { 1 } else { AT_ONCE };
        &left[..left.len().min(at_once)]
    }

    /// Continues with the rest of the tenant's day, or with the next tenant. `true` for the next
    /// tenant.
    fn go_on(&mut self, tenant: &str, rest: Option<String>) -> bool {
        let is_over = rest.is_none();
        self.tenant = if is_over { format!("{tenant}{BEFORE_ALL}") } else { tenant.to_owned() };
        self.below = rest;
        is_over
    }

    /// Continues with the day before, unless this is the last day.
    fn go_back(&mut self, from: OffsetDateTime) -> bool {
        let before = day_of(&self.day).filter(|day| *day > from).map(|day| day.saturating_sub(Duration::days(1)));
        let Some(day) = before else { return false };
        *self = Self::begin(format!("{}~", &time_text(day)[..10]));
        true
    }

    /// Whether a part of the day, or all of it, is still unread.
    fn searched_to(&self) -> OffsetDateTime {
        let end = |day: OffsetDateTime| day.saturating_add(Duration::days(1));
        let begun = || OffsetDateTime::parse(&self.day, &Rfc3339).ok();
        begun().or_else(|| day_of(&self.day).map(end)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}
