//! Notifications that have not ended, so that the reconciler finds those that are stuck: by a mark
//! in the `attention` index, or in the feed.

use crate::answers::with_verdict;
use crate::attributes::{Item, Update, day_of, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{feed_day, key_of, keys_of, partition, sort_key};
use crate::marks::{Mark, Outdated};
use crate::seen::is_of_newer_version;
use crate::sweeps::sweep_partition;
use crate::table::Table;
use std::collections::HashSet;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::{LedgerKey, State};

/// The most keys of a BatchGetItem.
pub(crate) const AT_ONCE: i32 = 100;
/// The most days without a notification that one page skips.
pub(crate) const DAYS_AT_ONCE: usize = 31;
const SORT_KEY: &str = "SWEEP#unended";
const ATTRIBUTES: [&str; 10] = [
    "pk",
    "sk",
    "state",
    "feedback",
    "feedback_deadline",
    "feedback_at",
    "updated_at",
    "ended_at",
    "attention",
    "attention_at",
];

/// The facts that show whether a notification is stuck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub key: LedgerKey,
    pub state: Option<State>,
    pub feedback: Option<FeedbackState>,
    /// The deadline of an awaited outcome.
    pub deadline: Option<OffsetDateTime>,
    /// The time of the last attempt, or of the last attempt to send its feedback.
    pub moved_at: OffsetDateTime,
    pub mark: Option<Mark>,
}

/// A page of notifications with a mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    pub pending: Vec<Pending>,
    /// The position of the next page; `None` at the end.
    pub next: Option<Item>,
    /// The number of notifications left out, since only a newer version can read their records.
    pub unread: usize,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub notifications: Vec<Pending>,
    /// The position of the next page.
    pub position: String,
    pub is_last: bool,
    /// The number of notifications left out, since only a newer version can read their records,
    /// except those with a mark.
    pub unread: usize,
}

/// The operations of the reconciler to find notifications that are stuck.
impl<I: Items> Table<I> {
    /// Notifications with this mark and a time up to `until`, oldest first, a page of at most 100.
    /// The index may lag behind, so each one is read again from the table. Those that only a newer
    /// version can read are left out, with their marks, so the callers go on behind them.
    pub async fn due(&self, mark: Mark, until: OffsetDateTime, after: Option<Item>) -> Result<Due, StoreError> {
        let query = Query {
            index: Some("attention"),
            key_condition: "attention = :mark AND attention_at <= :until",
            limit: Some(AT_ONCE),
            after,
            ..Query::default()
        };
        let until = time_text(until);
        let query = query.value(":mark", string(mark.as_str())).value(":until", string(&until));
        let page = self.items.query_page(&query).await?;
        let items = self.as_they_are(&page.items).await?;
        let is_due = |item: &&Item| {
            text(item, "attention") == Some(mark.as_str()) && text(item, "attention_at").is_some_and(|at| *at <= *until)
        };
        let pending = items.iter().filter(is_due).filter_map(read).collect();
        let unread = items.iter().filter(is_due).filter(|item| is_of_newer_version(item)).count();
        Ok(Due { pending, next: page.last_evaluated, unread })
    }

    /// The place up to which the tenant's feed was searched. If it never was, the place before
    /// everything received at `start`.
    pub async fn looked_through(&self, tenant: &str, start: OffsetDateTime) -> Result<String, StoreError> {
        let item = self.items.get(&sweep_partition(tenant), SORT_KEY).await?;
        let position = item.and_then(|item| text(&item, "swept_to").map(str::to_owned));
        Ok(position.unwrap_or_else(|| time_text(start)))
    }

    /// Saves that place. It never moves back.
    pub async fn set_looked_through(
        &self,
        tenant: &str,
        position: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut update = Update::default().set("swept_to", string(position)).set("expires_at", self.ttl(now));
        let (stored, ours) = (update.name("swept_to"), update.value(string(position)));
        let condition = format!("attribute_not_exists({stored}) OR {stored} <= {ours}");
        self.update(&sweep_partition(tenant), SORT_KEY, update, Some(condition)).await?;
        Ok(())
    }

    /// The next notifications of a tenant, at most 100, in the order of receipt: after `position`,
    /// or from a time on, and before `until`.
    pub async fn arrived(&self, tenant: &str, position: &str, until: OffsetDateTime) -> Result<Arrived, StoreError> {
        let Some(mut day) = day_of(position) else {
            return Err(StoreError::Mismatch("a watermark is not a place in the feed".into()));
        };
        let mut position = position.to_owned();
        let end = time_text(until);
        for _ in 0..DAYS_AT_ONCE {
            let items = self.feed_after(tenant, day, &position, &end).await?;
            if let Some(last) = items.last().and_then(|item| text(item, "feed_at")) {
                let records = self.as_they_ended(&items).await?;
                let unread = records.iter().filter(|item| is_of_newer_version(item) && mark_of(item).is_none()).count();
                let notifications = records.iter().filter_map(read).collect();
                return Ok(Arrived { notifications, position: last.to_owned(), is_last: false, unread });
            }
            day += Duration::days(1);
            if day >= until {
                return Ok(Arrived { notifications: vec![], position: end.max(position), is_last: true, unread: 0 });
            }
            position = time_text(day);
        }
        Ok(Arrived { notifications: vec![], position, is_last: false, unread: 0 })
    }

    /// Decides the feedback of an awaited outcome that did not come. `false` if it is no longer
    /// awaited, or has come: Visma Net has not accepted it yet, or an operator has handed it in. The
    /// mark stays, so that the feedback is queued even if the function dies now. One that was tried is
    /// given up, too, if its deadline was before `tried_since`, and one that was handed in before then.
    pub async fn expire(
        &self,
        key: &LedgerKey,
        verdict: &Verdict,
        now: OffsetDateTime,
        tried_since: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let expired = || {
            let mut update = with_verdict(Update::default(), FeedbackState::Queued, verdict);
            let (state, awaited) = (update.name("feedback"), update.value(string(FeedbackState::Awaited.as_str())));
            let names = ["feedback_attempts", "outcome_at", "feedback_deadline"];
            let [tries, came, deadline] = names.map(|name| update.name(name));
            let last = update.value(string(time_text(tried_since)));
            let is_untried = format!("(attribute_not_exists({tries}) OR {deadline} <= {last})");
            let is_missing = format!("(attribute_not_exists({came}) OR {came} < {last})");
            (update, format!("{state} = {awaited} AND {is_untried} AND {is_missing}"))
        };
        self.update_and_keep((&partition(&key.entity), &sort_key(key)), now, expired).await
    }

    /// Sets the mark. `false` if the notification has changed or has another mark.
    pub async fn watch(&self, key: &LedgerKey, mark: Mark, at: OffsetDateTime) -> Result<bool, StoreError> {
        let tenant = &key.entity.tenant;
        let mut update =
            Update::default().set("attention", string(mark.value(tenant))).set("attention_at", string(time_text(at)));
        let (attention, (name, value)) = (update.name("attention"), mark.reason());
        let (name, value) = (update.name(name), update.value(string(value)));
        let ours = Mark::ALL.map(|mark| update.value(string(mark.value(tenant)))).join(", ");
        let condition = format!("{name} = {value} AND (attribute_not_exists({attention}) OR {attention} IN ({ours}))");
        self.update(&partition(&key.entity), &sort_key(key), update, Some(condition)).await
    }

    /// Removes the mark, if it is no longer about anything. Feedback that was refused, or a state
    /// that needs a person, gets its own mark instead.
    pub async fn unmark(&self, key: &LedgerKey, mark: Mark, now: OffsetDateTime) -> Result<(), StoreError> {
        let ours = mark.value(&key.entity.tenant);
        let write = |(case, is_kept): (Outdated, bool)| {
            let (mut update, kept) = self.keeping(case.change(Update::default(), now), now, is_kept);
            let own = case.condition(&mut update);
            let (attention, ours) = (update.name("attention"), update.value(string(ours.as_str())));
            (update, format!("{own} AND {attention} = {ours} AND {kept}"))
        };
        let case_of = |item: &Item| {
            let is_ours = text(item, "attention") == Some(&ours);
            is_ours.then(|| Outdated::of(item)).flatten().map(|case| (case, !item.contains_key("expires_at")))
        };
        let likely = (Outdated::Done, false);
        self.write_case((&partition(&key.entity), &sort_key(key)), likely, write, case_of).await?;
        Ok(())
    }
}

impl<I: Items> Table<I> {
    pub(crate) async fn feed_after(
        &self,
        tenant: &str,
        day: OffsetDateTime,
        position: &str,
        end: &str,
    ) -> Result<Vec<Item>, StoreError> {
        // BETWEEN includes both ends, and refuses them in the wrong order. `!` sorts before every
        // character of a key, so the place itself is left out.
        let after = format!("{position}!");
        if *after >= *end {
            return Ok(vec![]);
        }
        let query = Query {
            index: Some("feed"),
            key_condition: "feed = :day AND feed_at BETWEEN :after AND :end",
            limit: Some(AT_ONCE),
            ..Query::default()
        };
        let query = query.value(":day", string(feed_day(tenant, day))).value(":after", string(after));
        self.items.query(query.value(":end", string(end))).await
    }

    /// Reads the items of an index from the table, in the order of the index.
    pub(crate) async fn as_they_are(&self, named: &[Item]) -> Result<Vec<Item>, StoreError> {
        let names: Vec<(String, String)> = named.iter().filter_map(keys_of).collect();
        let items = self.items.get_many(names.clone(), &ATTRIBUTES, true).await?;
        Ok(in_order(&names, items))
    }

    /// The same for half the price: an eventually consistent read first. A notification that is
    /// settled stays settled, so only the others are read again.
    async fn as_they_ended(&self, named: &[Item]) -> Result<Vec<Item>, StoreError> {
        let names: Vec<(String, String)> = named.iter().filter_map(keys_of).collect();
        let mut items = self.items.get_many(names.clone(), &ATTRIBUTES, false).await?;
        items.retain(is_at_rest);
        let resting: HashSet<_> = items.iter().filter_map(keys_of).collect();
        let moving = named.iter().filter(|item| keys_of(item).is_some_and(|name| !resting.contains(&name)));
        let moving: Vec<Item> = moving.cloned().collect();
        items.extend(self.as_they_are(&moving).await?);
        Ok(in_order(&names, items))
    }
}

/// The items in the order of their names.
fn in_order(names: &[(String, String)], mut items: Vec<Item>) -> Vec<Item> {
    let taken = |(pk, sk): &(String, String)| {
        let is_it = |item: &Item| text(item, "sk") == Some(sk.as_str()) && text(item, "pk") == Some(pk.as_str());
        let at = items.iter().position(is_it)?;
        Some(items.swap_remove(at))
    };
    names.iter().filter_map(taken).collect()
}

/// Whether it is settled: only an operator can still change it.
fn is_at_rest(item: &Item) -> bool {
    let feedback = text(item, "feedback").and_then(FeedbackState::parse);
    let is_told = matches!(feedback, Some(FeedbackState::Sent | FeedbackState::None));
    is_told && text(item, "state").and_then(State::parse).is_some_and(State::is_final)
}

/// `None` for a record that must be left to a newer version, with its mark.
fn read(item: &Item) -> Option<Pending> {
    if is_of_newer_version(item) {
        return None;
    }
    let time = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    Some(Pending {
        key: key_of(text(item, "pk")?, text(item, "sk")?)?,
        state: text(item, "state").and_then(State::parse),
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        deadline: time("feedback_deadline"),
        moved_at: time("updated_at").max(time("ended_at")).max(time("feedback_at"))?,
        mark: mark_of(item),
    })
}

fn mark_of(item: &Item) -> Option<Mark> {
    text(item, "attention").and_then(Mark::parse)
}
