//! Search for notifications of all tenants by a number, an id, a trace or a `ref`.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Cursor, Parameters, Range, list_of};
use crate::reference;
use crate::route::Asked;
use crate::types::{Notification, left_out};
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::filter::LONGEST_SPAN;
use webhooks_model::{Entity, LedgerKey, Reference, SenderId};
use webhooks_store::{Position, Record, SearchQuery};

/// A delivery's id has the time of receipt, and a trace begins a little earlier.
const BEFORE: Duration = Duration::seconds(1);
const AFTER: Duration = Duration::seconds(5);
/// The most reads for one moment, each of a hundred tenants or more, and the most results.
const LOOKS: usize = 10;
const MOST_OF_A_MOMENT: usize = 100;

/// Finds notifications by a number or an id.
///
/// `q` is a part of an entity's number, the id of a notification in Visma Net, of an event, of a
/// delivery or of a trace, or a `ref`.
#[utoipa::path(get, path = "/operations/v1/search", tag = "read", params(
    ("q" = String, Query, min_length = 1, max_length = 256),
    ("tenant" = Option<String>, Query, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$",
        description = "all tenants by default"),
    ("entity" = Option<String>, Query),
    ("from" = Option<String>, Query, format = DateTime, description = "90 days before `to` by default and at most"),
    ("to" = Option<String>, Query, format = DateTime, description = "now by default"),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 50, description = "20 by default"),
    ("cursor" = Option<String>, Query, max_length = 2048)),
    responses((status = 200, body = Found), Problem))]
pub(crate) async fn find<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Found>, Problem> {
    let parameters = Parameters::new(asked.query, &["q", "tenant", "entity", "from", "to", "limit", "cursor"])?;
    let held = Held::new(parameters.required("q")?)?;
    let tenant = parameters.get("tenant").map(query::tenant).transpose()?;
    let (entity, limit) = (parameters.entity()?, parameters.limit_of(20, 50)?);
    let range = Range::read(&parameters)?;
    let list = list_of(("search", &held.text, &tenant, entity.map(Entity::as_str), range));
    let mut cursor = Cursor::read(list, parameters.get("cursor"))?;
    if cursor.is_none()
        && let Some(found) = operations.by_name(&held).await?
    {
        return Ok(Json(found));
    }
    let tenants = match tenant {
        Some(tenant) => vec![tenant],
        None => operations.store.tenants().await?,
    };
    let mut unread = 0;
    // Only the cursor of a moment has no start.
    if cursor.as_ref().is_none_or(|cursor| cursor.from.is_none()) {
        let after = cursor.take().map(|cursor| cursor.after);
        let (found, others) = operations.at_a_moment(&held, &tenants, list, after).await?;
        if let Some(found) = found {
            return Ok(Json(found));
        }
        unread = others;
    }
    let now = operations.host.now();
    let (from, to) = range.of_page(cursor.as_ref(), now, LONGEST_SPAN, Some(LONGEST_SPAN))?;
    let after = cursor.map(|cursor| cursor.after);
    let seek = SearchQuery { tenants: &tenants, from, to, after: after.as_ref(), most: limit.into() };
    let fits = |key: &LedgerKey| entity.is_none_or(|entity| key.entity.entity == entity) && held.matched(key).is_some();
    let sought = operations.store.seek(&seek, &fits).await?;
    let next = sought.next.map(|next| Cursor::write(list, Some(from), next));
    let matched = |record: &Record| held.matched(&record.key).unwrap_or("number");
    let items = operations.hits(sought.records, &matched).await;
    let left_out = left_out(unread + sought.unread);
    Ok(Json(Found { items, searched_to: sought.searched_to, from, tenants: tenants.len(), next, left_out }))
}

/// The text to search for.
struct Held {
    text: String,
    lower: String,
    /// The text as an id of Visma Net, in the form of a key.
    id: Option<SenderId>,
}

impl Held {
    fn new(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Problem::invalid("q", "It must be a number, an id or a `ref`."));
        }
        Ok(Self { text: text.to_owned(), lower: text.to_lowercase(), id: SenderId::new(text) })
    }

    /// The part of a record's key that the text matches.
    fn matched(&self, key: &LedgerKey) -> Option<&'static str> {
        let (number, own) = (&key.entity.key, &key.notification);
        // The keys of entities without a number are generated and begin with `~`.
        let is_number = || !number.starts_with('~') && number.to_lowercase().contains(&self.lower);
        if own.as_str() == self.lower {
            Some("event_id")
        } else if self.id.as_ref().is_some_and(|id| id.as_str() == own.id()) {
            Some("notification_id")
        } else {
            is_number().then_some("number")
        }
    }

    /// The time in the id of a delivery (a UUID of version 7) or of a trace
    /// (`1-{seconds}-{digits}`), and which of the two it is.
    fn moment(&self) -> Option<(OffsetDateTime, Moment)> {
        if let Ok(id) = Uuid::try_parse(&self.text) {
            let nanos = i128::try_from(id.as_u128() >> 80).ok()?.checked_mul(1_000_000)?;
            let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
            let could_be = id.get_version_num() == 7 && (2000..=2100).contains(&at.year());
            return could_be.then(|| (at, Moment::Delivery(id.to_string())));
        }
        let root = self.lower.split(';').find_map(|part| part.trim().strip_prefix("root=")).unwrap_or(&self.lower);
        let (seconds, rest) = root.strip_prefix("1-")?.split_once('-')?;
        let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex(seconds, 8) || !is_hex(rest, 24) {
            return None;
        }
        let at = OffsetDateTime::from_unix_timestamp(i64::from_str_radix(seconds, 16).ok()?).ok()?;
        (2000..=2100).contains(&at.year()).then_some((at, Moment::Trace))
    }
}

enum Moment {
    Delivery(String),
    Trace,
}

impl<P: Ports> Operations<P> {
    /// The record with this `ref`. `None` if there is no such reference; the search then continues.
    async fn by_name(&self, held: &Held) -> Result<Option<Found>, Problem> {
        let key = match Reference::parse(&held.text) {
            Some(reference) => self.store.named(reference).await?,
            None => reference::whole(&held.text),
        };
        let Some(key) = key else { return Ok(None) };
        let record = self.store.record_of(&key).await?;
        let at = record.as_ref().map_or_else(|| self.host.now(), |record| record.received_at);
        let items = self.hits(record.into_iter().collect(), &|_| "ref").await;
        Ok(Some(Found { items, searched_to: at, from: at, tenants: 1, next: None, left_out: None }))
    }

    /// What was received at the time in the id, after that place. `None` if the text contains no time,
    /// or if no delivery has this id. Also the number of records that cannot be read, which may be of
    /// it.
    async fn at_a_moment(
        &self,
        held: &Held,
        tenants: &[String],
        list: u64,
        mut after: Option<Position>,
    ) -> Result<(Option<Found>, usize), Problem> {
        let Some((at, moment)) = held.moment() else { return Ok((None, 0)) };
        let (from, to) = (at - BEFORE, at + AFTER);
        let (mut records, mut unread, mut searched_to): (Vec<Record>, usize, OffsetDateTime) = (vec![], 0, to);
        for _ in 0..LOOKS {
            let seek = SearchQuery { tenants, from, to, after: after.as_ref(), most: MOST_OF_A_MOMENT };
            let sought = self.store.seek(&seek, &|_| true).await?;
            records.extend(sought.records.into_iter().filter(|record| match &moment {
                Moment::Delivery(id) => record.delivery == *id,
                Moment::Trace => true,
            }));
            unread += sought.unread;
            (after, searched_to) = (sought.next, sought.searched_to);
            if after.is_none() || records.len() >= MOST_OF_A_MOMENT {
                break;
            }
        }
        let matched = match moment {
            Moment::Delivery(_) if records.is_empty() && after.is_none() => return Ok((None, unread)),
            Moment::Delivery(_) => "delivery",
            Moment::Trace => "trace",
        };
        let items = self.hits(records, &|_| matched).await;
        let (tenants, left_out) = (tenants.len(), left_out(unread));
        let next = after.map(|after| Cursor::write(list, None, after));
        Ok((Some(Found { items, searched_to, from, tenants, next, left_out }), unread))
    }

    /// Leaves out expired records, which DynamoDB may delete days later.
    async fn hits(&self, mut records: Vec<Record>, matched: &(dyn Fn(&Record) -> &'static str + Sync)) -> Vec<Hit> {
        let now = self.host.now();
        records.retain(|record| record.expires_at.is_none_or(|at| at > now));
        self.introduce(&records).await;
        records.into_iter().map(|record| Hit { matched: matched(&record), notification: record.into() }).collect()
    }
}

/// The matching notifications, newest first, and how far back the search went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    pub(crate) items: Vec<Hit>,
    /// All notifications received at this time or later have been searched.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) searched_to: OffsetDateTime,
    /// The earliest time of receipt that the search covers.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    /// Number of tenants searched.
    pub(crate) tenants: usize,
    /// The cursor of the next page, with earlier notifications. Absent at the end of the search. A
    /// page may be short or empty although the search continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Number of matches left out, since only a newer version can read them. For a delivery or a
    /// trace: of all records of that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<usize>,
}

/// A notification that matches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    #[serde(flatten)]
    pub(crate) notification: Notification,
    /// The part that matches: ref, event_id, notification_id, delivery, number or trace. For a
    /// trace only the time is known, so all notifications received when it began match.
    pub(crate) matched: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    /// The time in the text, in seconds.
    fn moment(text: &str) -> Option<i64> {
        Held::new(text).unwrap().moment().map(|(at, _)| at.unix_timestamp())
    }

    #[test]
    fn a_delivery_has_a_time_if_its_id_has_version_7_and_a_possible_year() {
        let id = |seconds: i64, version: u128| {
            let millis = u128::try_from(seconds * 1000).unwrap();
            Uuid::from_u128((millis << 80) | (version << 76) | (2 << 62)).to_string()
        };
        let first = datetime!(2000-01-01 00:00 UTC).unix_timestamp();
        let last = datetime!(2100-12-31 23:59:59 UTC).unix_timestamp();
        for at in [first, last] {
            assert_eq!(moment(&id(at, 7)), Some(at));
        }
        for other in [id(first - 1, 7), id(last + 1, 7), id(first, 4)] {
            assert_eq!(moment(&other), None, "{other}");
        }
    }

    #[test]
    fn a_trace_has_a_time_if_its_form_is_exact() {
        assert_eq!(moment("1-58406520-a006649127e371903a2de979"), Some(0x5840_6520));
        for other in [
            "1-058406520-a006649127e371903a2de979",
            "1-58406520-a006649127e371903a2de97",
            "1-58406520-g006649127e371903a2de979",
            "1-00000001-a006649127e371903a2de979",
            "2-58406520-a006649127e371903a2de979",
        ] {
            assert_eq!(moment(other), None, "{other}");
        }
    }
}
