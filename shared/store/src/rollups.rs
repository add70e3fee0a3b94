//! Roll-ups: the hours of each tenant in numbers, and those of all tenants together. The reconciler
//! writes them, and the operations function reads them.

use crate::attributes::{Item, Update, day_of, string, text, time_text};
use crate::error::StoreError;
use crate::implied::received_at;
use crate::item::{Items, Query};
use crate::keys::{ROLLING, key_of, keys_of, rollups_of};
use crate::pending::{AT_ONCE, DAYS_AT_ONCE};
use crate::table::Table;
use crate::tenants::marked;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::FeedbackState;
use webhooks_model::rollup::{Counted, Rolling};
use webhooks_model::{Origin, Reason, Rollup, State};

const COUNTED: [&str; 9] = ["pk", "sk", "state", "reason", "feedback", "feedback_at", "ended_at", "origin", "feed_at"];
const HOUR: [&str; 4] = ["sk", "rollup", "counted_to", "made_at"];
/// The attribute with the hours whose sums are missing, beside the summary.
const UNSUMMED: &str = "unsummed";

/// An hour in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    pub hour: OffsetDateTime,
    pub rollup: Rollup,
    /// The place in the feed up to which it is counted.
    pub counted_to: String,
    pub made_at: OffsetDateTime,
}

impl Rolled {
    /// An hour without counts.
    #[must_use]
    pub fn begin(hour: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { hour, rollup: Rollup::default(), counted_to: time_text(hour), made_at: now }
    }
}

/// The result of the last run that counted every tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Everything received before this time is counted.
    #[serde(with = "time::serde::rfc3339")]
    pub counted_to: OffsetDateTime,
    /// Number of tenants in the settings, without those that are left alone after an erasure.
    pub tenants: usize,
    /// Number of silent tenants; `None` if unknown.
    pub silent: Option<usize>,
}

/// A page of a tenant's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub notifications: Vec<Counted>,
    /// The position of the next page.
    pub position: String,
    pub is_last: bool,
}

impl<I: Items> Table<I> {
    /// The position of a tenant's counting; `None` before the first run.
    pub async fn rolling(&self, tenant: &str) -> Result<Option<Rolling>, StoreError> {
        let item = self.items.get(&rollups_of(tenant), ROLLING).await?;
        Ok(item.as_ref().and_then(|item| serde_json::from_str(text(item, "rolling")?).ok()))
    }

    pub async fn set_rolling(&self, tenant: &str, rolling: &Rolling, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().set("rolling", string(json(rolling))).set("expires_at", self.ttl(now));
        self.update(&rollups_of(tenant), ROLLING, marked(update, tenant), None).await?;
        Ok(())
    }

    /// The next received notifications, at most 100: after `position` and before `until`, both of
    /// one day. The read is eventually consistent; a missing item counts as open.
    pub async fn received(&self, tenant: &str, position: &str, until: OffsetDateTime) -> Result<Received, StoreError> {
        let (places, position, is_last) = self.feed_part(tenant, position, until).await?;
        let names = places.iter().filter_map(keys_of).collect();
        let items = self.items.get_many(names, &COUNTED, false).await?;
        let items: HashMap<_, _> = items.into_iter().filter_map(|item| Some((keys_of(&item)?, item))).collect();
        let of_place = |place: &Item| counted(keys_of(place).and_then(|keys| items.get(&keys)).unwrap_or(place));
        Ok(Received { notifications: places.iter().filter_map(of_place).collect(), position, is_last })
    }

    /// The number of notifications received in that hour, by the feed alone.
    pub async fn count_received(&self, tenant: &str, hour: OffsetDateTime) -> Result<u64, StoreError> {
        let (mut count, mut position) = (0, time_text(hour));
        loop {
            let (places, next, is_last) = self.feed_part(tenant, &position, hour + Duration::HOUR).await?;
            count += places.len() as u64;
            if is_last {
                return Ok(count);
            }
            position = next;
        }
    }

    /// The time of the first notification from `from` on; `until` if there is none before. It reads
    /// at most 31 days, and then returns how far it came.
    pub async fn next_received(
        &self,
        tenant: &str,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<OffsetDateTime, StoreError> {
        let (mut from, end) = (from, time_text(until));
        for _ in 0..DAYS_AT_ONCE {
            let position = time_text(from);
            let places = self.feed_after(tenant, from, &position, &end).await?;
            if let Some(first) = places.first().and_then(received_at) {
                return Ok(first);
            }
            from = day_of(&position).map_or(until, |day| day + Duration::DAY);
            if from >= until {
                return Ok(until);
            }
        }
        Ok(from)
    }

    /// An hour of a tenant; `None` if nothing was received in it.
    pub async fn rolled(&self, tenant: &str, hour: OffsetDateTime) -> Result<Option<Rolled>, StoreError> {
        Ok(self.items.get(&rollups_of(tenant), &sort_key(hour)).await?.as_ref().and_then(read))
    }

    pub async fn set_rolled(&self, tenant: &str, rolled: &Rolled, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default()
            .set("rollup", string(json(&rolled.rollup)))
            .set("counted_to", string(&rolled.counted_to))
            .set("made_at", string(time_text(rolled.made_at)))
            .set("expires_at", self.ttl(now));
        self.update(&rollups_of(tenant), &sort_key(rolled.hour), update, None).await?;
        Ok(())
    }

    /// Writes the sum of an hour of these tenants. It names no tenant and no entity, so an erasure
    /// need not change it.
    pub async fn add_up(
        &self,
        tenants: &[String],
        hour: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let names = tenants.iter().map(|tenant| (rollups_of(tenant), sort_key(hour)));
        let items = self.items.get_many(names.collect(), &HOUR, true).await?;
        let mut sum = Rolled::begin(hour, now);
        items.iter().filter_map(read).for_each(|of_tenant| sum.rollup.merge(&of_tenant.rollup));
        sum.rollup.keys.clear();
        self.set_rolled("", &sum, now).await
    }

    /// The hours that a run has changed without writing their sums.
    pub async fn unsummed(&self) -> Result<BTreeSet<OffsetDateTime>, StoreError> {
        let item = self.items.get(&rollups_of(""), ROLLING).await?;
        let hours: Option<Vec<i64>> = item.as_ref().and_then(|item| serde_json::from_str(text(item, UNSUMMED)?).ok());
        let hours = hours.unwrap_or_default().into_iter();
        Ok(hours.filter_map(|hour| OffsetDateTime::from_unix_timestamp(hour).ok()).collect())
    }

    pub async fn set_unsummed(&self, hours: &BTreeSet<OffsetDateTime>, now: OffsetDateTime) -> Result<(), StoreError> {
        let hours: Vec<i64> = hours.iter().map(|hour| hour.unix_timestamp()).collect();
        let update = Update::default().set(UNSUMMED, string(json(&hours))).set("expires_at", self.ttl(now));
        self.update(&rollups_of(""), ROLLING, update, None).await?;
        Ok(())
    }

    pub async fn set_summary(&self, summary: &Summary, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().set("summary", string(json(summary))).set("expires_at", self.ttl(now));
        self.update(&rollups_of(""), ROLLING, update, None).await?;
        Ok(())
    }

    /// The summary of all tenants; `None` before the first run.
    pub async fn summary(&self) -> Result<Option<Summary>, StoreError> {
        let item = self.items.get(&rollups_of(""), ROLLING).await?;
        Ok(item.as_ref().and_then(|item| serde_json::from_str(text(item, "summary")?).ok()))
    }

    /// The hours of a tenant, or of all together, that begin in `from..to`, oldest first.
    pub async fn rollups(
        &self,
        tenant: Option<&str>,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<Rolled>, StoreError> {
        let query = Query { key_condition: "pk = :pk AND sk BETWEEN :from AND :to", ..Query::default() };
        let query = query.value(":pk", string(rollups_of(tenant.unwrap_or_default())));
        let query = query.value(":from", string(sort_key(from))).value(":to", string(sort_key(to)));
        let items = self.items.query(query).await?;
        Ok(items.iter().filter_map(read).filter(|one| (from..to).contains(&one.hour)).collect())
    }
}

impl<I: Items> Table<I> {
    /// Entries of the feed index, their end, and whether they reach up to `until`.
    async fn feed_part(
        &self,
        tenant: &str,
        position: &str,
        until: OffsetDateTime,
    ) -> Result<(Vec<Item>, String, bool), StoreError> {
        let Some(day) = day_of(position) else {
            return Err(StoreError::Mismatch("a roll-up's end is not a place in the feed".into()));
        };
        let end = time_text(until);
        let places = self.feed_after(tenant, day, position, &end).await?;
        let is_last = places.len() < AT_ONCE as usize;
        let last = places.last().and_then(|place| text(place, "feed_at")).map(str::to_owned);
        let position = if is_last { end.max(position.to_owned()) } else { last.unwrap_or(end) };
        Ok((places, position, is_last))
    }
}

/// `HOUR#2026-11-23T12`: the order of texts is the order of times.
fn sort_key(hour: OffsetDateTime) -> String {
    format!("HOUR#{}", &time_text(hour)[..13])
}

fn read(item: &Item) -> Option<Rolled> {
    let hour = text(item, "sk")?.strip_prefix("HOUR#")?;
    Some(Rolled {
        hour: OffsetDateTime::parse(&format!("{hour}:00:00Z"), &Rfc3339).ok()?,
        rollup: serde_json::from_str(text(item, "rollup")?).ok()?,
        counted_to: text(item, "counted_to")?.to_owned(),
        made_at: OffsetDateTime::parse(text(item, "made_at")?, &Rfc3339).ok()?,
    })
}

/// Counts an item of the table. If the item is not readable yet, the entry of the index counts as
/// received.
fn counted(item: &Item) -> Option<Counted> {
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    Some(Counted {
        entity: key_of(text(item, "pk")?, text(item, "sk")?)?.entity,
        state: text(item, "state").and_then(State::parse),
        reason: text(item, "reason").and_then(Reason::parse),
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        is_gap: text(item, "origin") == Some(Origin::Reconciliation.as_str()),
        received_at: received_at(item)?,
        ended_at: time("ended_at"),
        feedback_at: time("feedback_at"),
    })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers, names and times always serialise")
}
