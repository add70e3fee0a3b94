//! Notifications for operators.

use crate::attention::{ACKNOWLEDGEMENT, Attention, attention};
use crate::attributes::{Item, day_of, flag, integer, string, text, time_text};
use crate::error::StoreError;
use crate::head::Head;
use crate::history::MOMENTS;
use crate::implied::received_at;
use crate::item::{Items, MOST_READ, Query};
use crate::keys::{feed_day, key_of, notified, partition, sort_key};
use crate::moved::{MOVED_FROM, MOVED_TO, read_place};
use crate::seen::is_state_of_newer_version;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{EntityId, LedgerKey, Reason, State, sorted};

/// The most days that one page reads.
const DAYS_PER_PAGE: usize = 31;
/// Whole records per request. With the longest raw items, 53 fit into DynamoDB's 16 MB.
const RECORDS_PER_READ: usize = 50;
/// The most entries of a list that are counted. After a long outage of the ERP a list may have
/// millions, and the console counts every few seconds. These take about 2,500 read units.
const MOST_COUNTED: i32 = 100_000;
const ATTENTION_KEYS: [&str; 4] = ["pk", "sk", "attention", "attention_at"];

/// One notification with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: LedgerKey,
    pub state: State,
    pub reason: Option<Reason>,
    pub event: String,
    pub channel: String,
    pub origin: String,
    pub subscription: String,
    pub delivery: String,
    pub received_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
    /// When an attempt or a pause last changed it; `None` after it has ended.
    pub updated_at: Option<OffsetDateTime>,
    pub status: Option<String>,
    pub source: Option<String>,
    pub attempts: Vec<Line>,
    pub feedback: Option<FeedbackState>,
    /// The state of its feedback, if only a newer version knows it.
    pub newer_feedback: Option<String>,
    pub feedback_success: Option<bool>,
    pub feedback_description: Option<String>,
    pub feedback_at: Option<OffsetDateTime>,
    pub feedback_deadline: Option<OffsetDateTime>,
    pub feedback_attempts: Vec<Line>,
    pub actions: Vec<Line>,
    /// When it was parked or paused, and when it was replayed after its end.
    pub moments: Vec<Line>,
    /// Present if a person should look at it.
    pub attention: Option<Attention>,
    /// The last acknowledgement, also if it was withdrawn or the notification has changed since.
    pub acknowledgement: Option<Line>,
    /// The key of the record that replaces this one.
    pub moved_to: Option<LedgerKey>,
    /// The key of the closed record that this one replaces.
    pub moved_from: Option<LedgerKey>,
    /// `None` while an operator makes it wait.
    pub expires_at: Option<OffsetDateTime>,
    /// Its position in the list that it was read from.
    pub position: Position,
}

impl Record {
    /// The code and the text of the last refusal of its feedback.
    #[must_use]
    pub fn refusal(&self) -> (&str, &str) {
        self.feedback_attempts.last().map_or(("", ""), |line| (line.what.as_str(), line.text.as_str()))
    }

    /// Whether a list has it for its wait, and not for itself.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        notified(&self.position.sk) != self.position.sk
    }

    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state == State::Parked && self.reason == Some(Reason::Held)
    }
}

/// An attempt at the notification or its feedback, or an operator's action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at: OffsetDateTime,
    /// A reason's code, the action, or what happened.
    pub what: String,
    /// The detail, the note, or the reason.
    pub text: String,
    pub by: Option<String>,
    pub receive_count: Option<u32>,
}

/// The position of a record in a list by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub at: String,
    pub pk: String,
    pub sk: String,
}

/// A part of a list, newest first. `next` is `None` at the end. A page may be short or empty
/// although the list continues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    pub records: Vec<Record>,
    pub next: Option<Position>,
    /// The number of records left out, since only a newer version can read them.
    pub unread: usize,
}

impl<I: Items> Table<I> {
    /// A record in a state that only a newer version knows is an error, so that nobody takes it for
    /// an expired one.
    pub async fn record_of(&self, key: &LedgerKey) -> Result<Option<Record>, StoreError> {
        match self.items.get(&partition(&key.entity), &sort_key(key)).await? {
            Some(item) if is_state_of_newer_version(&item) => Err(StoreError::Newer("the record")),
            item => Ok(item.as_ref().and_then(read)),
        }
    }

    /// The exact text of a notification's item.
    pub async fn raw_of(&self, key: &LedgerKey) -> Result<Option<String>, StoreError> {
        match self.items.get(&partition(&key.entity), &sort_key(key)).await? {
            Some(item) => self.raw(key, &item).await,
            None => Ok(None),
        }
    }

    /// A tenant's notifications received in `from..to`.
    pub async fn feed(
        &self,
        tenant: &str,
        from: OffsetDateTime,
        to: OffsetDateTime,
        after: Option<&Position>,
        most: u8,
    ) -> Result<Page, StoreError> {
        let start = time_text(from);
        // `below` is a place (a time and a key), or a time alone, which sorts before every key of
        // that time.
        let mut below = after.map_or_else(|| time_text(to), |position| position.at.clone());
        let Some(mut day) = day_of(&below) else { return Ok(Page::default()) };
        if below <= start {
            return Ok(Page::default());
        }
        let mut found: Vec<Position> = vec![];
        for _ in 0..DAYS_PER_PAGE {
            let missing = usize::from(most) - found.len();
            let query = Query {
                index: Some("feed"),
                key_condition: "feed = :day AND feed_at BETWEEN :start AND :below",
                newest_first: true,
                // Two more: the one at the end, which is left out, and one that shows that the list
                // continues.
                limit: i32::try_from(missing + 2).ok(),
                ..Query::default()
            };
            let query = query
                .value(":day", string(feed_day(tenant, day)))
                .value(":start", string(&start))
                .value(":below", string(&below));
            let places = self.items.query(query).await?;
            let places = places.iter().filter_map(|item| position_in(item, "feed_at"));
            found.extend(places.filter(|position| position.at < below).take(missing + 1));
            let more = found.len() > usize::from(most);
            if more || day <= from {
                found.truncate(most.into());
                let next = found.last().filter(|_| more).cloned();
                return Ok(Page { next, ..self.page_of(found).await? });
            }
            // `~` sorts after every time of the day.
            day -= Duration::days(1);
            below = format!("{}~", &time_text(day)[..10]);
        }
        let next = Position { at: below, pk: String::new(), sk: String::new() };
        Ok(Page { next: Some(next), ..self.page_of(found).await? })
    }

    /// Notifications with this mark: `dead`, `parked`, `unparseable`, `feedback_parked`, `paused`,
    /// or one of [`crate::acknowledged`]. `paused` includes ended notifications that wait to be
    /// replayed.
    pub async fn marked(&self, mark: &str, after: Option<&Position>, most: u8) -> Result<Page, StoreError> {
        let (places, next) = self.places_marked(mark, after, most).await?;
        Ok(Page { next, ..self.page_of(places).await? })
    }

    /// Their places, and the last of them if the list continues.
    pub(crate) async fn places_marked(
        &self,
        mark: &str,
        after: Option<&Position>,
        most: u8,
    ) -> Result<(Vec<Position>, Option<Position>), StoreError> {
        let begin = |place: &Position| {
            let texts = [&place.pk, &place.sk, mark, &place.at];
            ATTENTION_KEYS.iter().zip(texts).map(|(name, text)| ((*name).to_owned(), string(text))).collect()
        };
        let query = Query {
            index: Some("attention"),
            key_condition: "attention = :mark",
            newest_first: true,
            limit: Some(i32::from(most) + 1),
            after: after.map(begin),
            ..Query::default()
        };
        let items = self.items.query(query.value(":mark", string(mark))).await?;
        let mut found: Vec<Position> = items.iter().filter_map(|item| position_in(item, "attention_at")).collect();
        let more = found.len() > usize::from(most);
        found.truncate(most.into());
        let next = found.last().filter(|_| more).cloned();
        Ok((found, next))
    }

    /// The number of notifications with this mark, at most 100,000.
    pub async fn count_marked(&self, mark: &str) -> Result<u64, StoreError> {
        let query = Query {
            index: Some("attention"),
            key_condition: "attention = :mark",
            limit: Some(MOST_COUNTED),
            ..Query::default()
        };
        let mut count = 0;
        let query = query.value(":mark", string(mark));
        self.items.for_each_page(query, MOST_READ, |items| count += items.len() as u64).await?;
        Ok(count)
    }

    /// An entity's current state.
    pub async fn head_of(&self, entity: &EntityId) -> Result<Option<Head>, StoreError> {
        self.read_head(entity).await
    }

    /// An entity's newest notifications, newest first. Its ledger is not sorted by time, so all of
    /// it is read. If only a newer version can read them, this is an error.
    pub async fn newest_of(&self, entity: &EntityId, most: u8) -> Result<Page, StoreError> {
        let query = Query {
            key_condition: "pk = :pk AND begins_with(sk, :n)",
            projection: Some("pk, sk, feed_at"),
            ..Query::default()
        };
        let query = query.value(":pk", string(partition(entity))).value(":n", string("N#"));
        let newest_first = |a: &Position, b: &Position| b.at.cmp(&a.at).then_with(|| a.sk.cmp(&b.sk));
        let mut newest: Vec<Position> = vec![];
        let take = |items: Vec<Item>| {
            let found = items.iter().filter_map(|item| position_in(item, "feed_at"));
            let all = std::mem::take(&mut newest).into_iter().chain(found);
            newest = sorted::first(most.into(), all, newest_first);
        };
        self.items.for_each_page(query, MOST_READ, take).await?;
        let page = self.page_of(newest).await?;
        if page.records.is_empty() && page.unread > 0 { Err(StoreError::Newer("the records")) } else { Ok(page) }
    }
}

impl<I: Items> Table<I> {
    /// The records at these places, in this order, as a page without a next one.
    pub(crate) async fn page_of(&self, places: Vec<Position>) -> Result<Page, StoreError> {
        let mut items = vec![];
        for some in places.chunks(RECORDS_PER_READ) {
            // A notification may be in the list twice: for itself and for its wait.
            let keys = some.iter().map(|place| (place.pk.clone(), notified(&place.sk))).collect();
            items.extend(self.items.get_many(keys, &ATTRIBUTES, true).await?);
        }
        let mut unread = 0;
        let record = |place: &Position| {
            let sk = notified(&place.sk);
            let item =
                items.iter().find(|item| text(item, "pk") == Some(&place.pk) && text(item, "sk") == Some(&sk))?;
            let record = read(item);
            unread += usize::from(record.is_none());
            Some(Record { position: place.clone(), ..record? })
        };
        let records = places.iter().filter_map(record).collect();
        Ok(Page { records, next: None, unread })
    }
}

/// All attributes of a record except its raw item.
const ATTRIBUTES: [&str; 29] = [
    "pk",
    "sk",
    "state",
    "reason",
    "event",
    "channel",
    "origin",
    "subscription",
    "delivery",
    "ended_at",
    "status",
    "source",
    "attempts",
    "feedback",
    "feedback_success",
    "feedback_description",
    "feedback_at",
    "feedback_deadline",
    "feedback_attempts",
    "actions",
    ACKNOWLEDGEMENT,
    MOMENTS,
    MOVED_TO,
    MOVED_FROM,
    "feed_at",
    "attention",
    "attention_at",
    "updated_at",
    "expires_at",
];

/// The position of an item in a list by that attribute.
pub(crate) fn position_in(item: &Item, at: &str) -> Option<Position> {
    let owned = |name| text(item, name).map(str::to_owned);
    Some(Position { at: owned(at)?, pk: owned("pk")?, sk: owned("sk")? })
}

fn read(item: &Item) -> Option<Record> {
    let owned = |name| text(item, name).map(str::to_owned);
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    let lines = |name, what, text| {
        let lines = item.get(name).and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
        lines.iter().filter_map(|one| line(one, what, text)).collect()
    };
    Some(Record {
        key: key_of(text(item, "pk")?, text(item, "sk")?)?,
        state: text(item, "state").and_then(State::parse)?,
        reason: text(item, "reason").and_then(Reason::parse),
        event: owned("event").unwrap_or_default(),
        channel: owned("channel").unwrap_or_default(),
        origin: owned("origin").unwrap_or_default(),
        subscription: owned("subscription").unwrap_or_default(),
        delivery: owned("delivery").unwrap_or_default(),
        received_at: received_at(item)?,
        ended_at: time("ended_at"),
        updated_at: time("updated_at"),
        status: owned("status"),
        source: owned("source"),
        attempts: lines("attempts", "reason", "detail"),
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        newer_feedback: owned("feedback").filter(|state| FeedbackState::parse(state).is_none()),
        feedback_success: item.contains_key("feedback_success").then(|| flag(item, "feedback_success")),
        feedback_description: owned("feedback_description"),
        feedback_at: time("feedback_at"),
        feedback_deadline: time("feedback_deadline"),
        feedback_attempts: lines("feedback_attempts", "reason", "detail"),
        actions: lines("actions", "action", "note"),
        moments: lines(MOMENTS, "what", "reason"),
        attention: attention(item),
        acknowledgement: item.get(ACKNOWLEDGEMENT).and_then(|one| line(one, "action", "note")),
        moved_to: read_place(item, MOVED_TO),
        moved_from: read_place(item, MOVED_FROM),
        expires_at: integer(item, "expires_at").and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
        position: position_in(item, "feed_at")?,
    })
}

fn line(line: &AttributeValue, what: &str, detail: &str) -> Option<Line> {
    let line = line.as_m().ok()?;
    Some(Line {
        at: OffsetDateTime::parse(text(line, "at")?, &Rfc3339).ok()?,
        what: text(line, what)?.to_owned(),
        text: text(line, detail).unwrap_or_default().to_owned(),
        by: text(line, "by").map(str::to_owned),
        receive_count: integer(line, "receive_count").and_then(|count| count.try_into().ok()),
    })
}
