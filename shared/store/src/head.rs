//! The current state of an entity.

use crate::attributes::{Item, Update, flag, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::partition;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::{EntityId, HeadChange, Ticks};

pub(crate) const SORT_KEY: &str = "HEAD";
const STATUS_AT: &str = "status_at#";
/// Older entries make room beyond this, so that a head never outgrows a DynamoDB item.
const LONGEST_TIMELINE: usize = 100;

/// What is known of an entity now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub status: Option<String>,
    /// Every status a document was seen in, oldest first.
    pub timeline: Vec<(Ticks, String)>,
    pub deleted: bool,
    pub gone: bool,
    pub detail: Option<String>,
    pub internal_id: Option<String>,
    pub previous_key: Option<String>,
    /// The number under which a renumbered account goes on.
    pub renumbered_to: Option<String>,
    /// The notification that brought it to its present version.
    pub notification: Option<String>,
}

/// What became of a change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Advanced,
    Superseded,
}

impl Head {
    pub(crate) fn read(item: &Item) -> Self {
        let owned = |name| text(item, name).map(str::to_owned);
        let mut timeline: Vec<(Ticks, String)> = item
            .iter()
            .filter_map(|(name, value)| {
                let ticks = Ticks::new(name.strip_prefix(STATUS_AT)?.parse().ok()?)?;
                Some((ticks, value.as_s().ok()?.clone()))
            })
            .collect();
        timeline.sort();
        timeline.dedup_by(|later, earlier| later.1 == earlier.1);
        Self {
            status: owned("status"),
            timeline,
            deleted: flag(item, "deleted"),
            gone: flag(item, "gone"),
            detail: owned("detail"),
            internal_id: owned("internal_id"),
            previous_key: owned("previous_key"),
            renumbered_to: owned("renumbered_to"),
            notification: owned("notification"),
        }
    }

    /// Whether a status belongs in the timeline as an entry of its own.
    fn lacks(&self, at: Ticks, status: &str) -> bool {
        let before = self.timeline.iter().rev().find(|(earlier, _)| *earlier <= at);
        before.is_none_or(|(_, known)| known != status)
    }
}

impl<I: Items> Table<I> {
    pub(crate) async fn read_head(&self, entity: &EntityId) -> Result<Option<Head>, StoreError> {
        Ok(self.items.get(&partition(entity), SORT_KEY).await?.as_ref().map(Head::read))
    }

    pub(crate) async fn advance_head(&self, change: &HeadChange, now: OffsetDateTime) -> Result<Advance, StoreError> {
        let pk = partition(&change.entity);
        // Nothing but a status' place in the timeline depends on what is there, so whatever has none is spared the read.
        let current = if change.milestone.is_some() { self.read_head(&change.entity).await? } else { None };
        let current = current.as_ref();
        let mut update = self.head_update(change, current, now);
        let condition = advance_condition(&mut update, change);
        if self.update(&pk, SORT_KEY, update, Some(condition)).await? {
            return Ok(Advance::Advanced);
        }
        if let Some((name, status)) = timeline_entry(change, current) {
            let update = Update::default().set(&name, string(status)).set("expires_at", self.ttl(now));
            self.update(&pk, SORT_KEY, update, None).await?;
        }
        // A faster attempt at this very notification may have seen a newer version.
        let head = self.read_head(&change.entity).await?;
        let is_own = head.and_then(|head| head.notification).is_some_and(|known| known == change.notification.as_str());
        Ok(if is_own { Advance::Advanced } else { Advance::Superseded })
    }

    fn head_update(&self, change: &HeadChange, current: Option<&Head>, now: OffsetDateTime) -> Update {
        let mut update = Update::default()
            .set("notification", string(change.notification.as_str()))
            .set("updated_at", string(time_text(now)))
            .set("expires_at", self.ttl(now))
            .set("gone", AttributeValue::Bool(change.gone))
            .set_some("status", change.status.clone().map(string))
            .set_some("detail", change.detail.map(string))
            .set_some("internal_id", change.internal_id.clone().map(string))
            .set_some("previous_key", change.previous_key.clone().map(string));
        if !change.gone {
            update = update.set("deleted", AttributeValue::Bool(change.deleted));
        }
        for (clock, at) in change.versions.known() {
            update = update.set(&version_name(clock), number(at.get()));
        }
        let Some((name, status)) = timeline_entry(change, current) else {
            return update;
        };
        update = update.set(&name, string(status));
        match current.and_then(|head| (head.timeline.len() >= LONGEST_TIMELINE).then(|| head.timeline[0].0)) {
            Some(oldest) => update.remove(&status_name(oldest)),
            None => update,
        }
    }

    /// Marks the old number of a renumbered account. May be repeated.
    pub(crate) async fn mark_renumbered(
        &self,
        old: &EntityId,
        new_key: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let update = Update::default().set("renumbered_to", string(new_key)).set("expires_at", self.ttl(now));
        self.update(&partition(old), SORT_KEY, update, None).await?;
        Ok(())
    }

    pub(crate) fn ttl(&self, now: OffsetDateTime) -> AttributeValue {
        number(self.expires_at(now))
    }
}

/// No head yet, or older by none of the clocks that both know. At the same version a deletion stands, and content seen before is no
/// news, unless it is this very notification again.
fn advance_condition(update: &mut Update, change: &HeadChange) -> String {
    let known = update.name("notification");
    let own = update.value(string(change.notification.as_str()));
    let (mut not_older, mut newer) = (Vec::new(), Vec::new());
    for (clock, at) in change.versions.known() {
        let (version, at) = (update.name(&version_name(clock)), update.value(number(at.get())));
        not_older.push(format!("(attribute_not_exists({version}) OR {version} <= {at})"));
        let is_newer = format!("attribute_not_exists({version}) OR {version} < {at}");
        newer.push(match (change.strictly_newer, change.deleted) {
            (true, _) => format!("({is_newer})"),
            (false, true) => format!("({is_newer} OR {version} = {at})"),
            (false, false) => {
                let (deleted, yes) = (update.name("deleted"), update.value(AttributeValue::Bool(true)));
                format!("({is_newer} OR ({version} = {at} AND NOT {deleted} = {yes}))")
            }
        });
    }
    // AND binds tighter than OR; DynamoDB refuses parentheses that change nothing.
    format!("{known} = {own} AND {} OR {}", not_older.join(" AND "), newer.join(" AND "))
}

fn timeline_entry(change: &HeadChange, current: Option<&Head>) -> Option<(String, String)> {
    let (at, status) = change.milestone.as_ref()?;
    let is_news = current.is_none_or(|head| head.lacks(*at, status));
    is_news.then(|| (status_name(*at), status.clone()))
}

fn status_name(at: Ticks) -> String {
    format!("{STATUS_AT}{:019}", at.get())
}

fn version_name(clock: &str) -> String {
    format!("version_{clock}")
}

pub(crate) fn number_of(item: &Item, clock: &str) -> Option<i64> {
    integer(item, &version_name(clock))
}
