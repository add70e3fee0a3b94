//! The current state of an entity.

use crate::attributes::{Item, Update, flag, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::partition;
use crate::table::Table;
use crate::timeline;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::clock::{SKEW, latest_credible};
use webhooks_model::{EntityId, HeadChange, Revision, Stamp, Ticks, Versions, Zone};

pub(crate) const SORT_KEY: &str = "HEAD";
/// A batch has ten notifications, which may all be about one entity.
const MOST_TRIES: usize = 10;

/// The current state of an entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub status: Option<String>,
    /// Every status that the document was seen in, oldest first.
    pub timeline: Vec<(Ticks, String)>,
    pub deleted: bool,
    pub gone: bool,
    pub detail: Option<String>,
    pub internal_id: Option<String>,
    pub previous_key: Option<String>,
    /// The new number of a renumbered account.
    pub renumbered_to: Option<String>,
    /// The notification that wrote the current version.
    pub notification: Option<String>,
}

/// The result of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Advanced,
    Superseded,
}

impl Head {
    pub(crate) fn read(item: &Item) -> Self {
        let owned = |name| text(item, name).map(str::to_owned);
        Self {
            status: owned("status"),
            timeline: timeline::read(item),
            deleted: flag(item, "deleted"),
            gone: flag(item, "gone"),
            detail: owned("detail"),
            internal_id: owned("internal_id"),
            previous_key: owned("previous_key"),
            renumbered_to: owned("renumbered_to"),
            notification: owned("notification"),
        }
    }
}

impl<I: Items> Table<I> {
    pub(crate) async fn read_head(&self, entity: &EntityId) -> Result<Option<Head>, StoreError> {
        Ok(self.items.get(&partition(entity), SORT_KEY).await?.as_ref().map(Head::read))
    }

    /// Brings the entity to a newer version, or returns that a newer one exists already. It also
    /// records an account's number under its stable id, and finds its former number
    /// (docs/visma-net.md#resources).
    pub async fn advance(&self, change: &HeadChange, now: OffsetDateTime) -> Result<Advance, StoreError> {
        let pk = partition(&change.entity);
        let mut update = self.head_update(change, now);
        let condition = advance_condition(&mut update, change, now);
        let (advance, before) = match self.replace(&pk, SORT_KEY, update, Some(condition)).await? {
            Some(before) => {
                self.tidy_timeline(&pk, &before, change, now).await?;
                (advanced(&before, change), before)
            }
            None => self.look_behind(&pk, change, now).await?,
        };
        self.follow_number(change, &before, now).await?;
        Ok(advance)
    }

    /// Handles a refused write: a newer version exists, and is returned. The status still belongs
    /// in the timeline.
    ///
    /// The change may still be newer by the resource's clock, since a body may have only the time
    /// at which the webhook was made (docs/visma-net.md#bodies). Or it may be newer although the
    /// body's clock shows less. It is decided again if other notifications of the entity change the
    /// head at the same time.
    async fn look_behind(
        &self,
        pk: &str,
        change: &HeadChange,
        now: OffsetDateTime,
    ) -> Result<(Advance, Item), StoreError> {
        for _ in 0..MOST_TRIES {
            let item = self.items.get(pk, SORT_KEY).await?.unwrap_or_default();
            let may_be_newer = is_in_doubt(&item, change, now) && !flag(&item, "deleted");
            if !may_be_newer && !is_outranked(&item, change, now) {
                return self.stay_behind(pk, change, now, item).await;
            }
            let versions = Versions { body: None, ..change.versions };
            let mut update = self.head_update(&HeadChange { versions, ..change.clone() }, now);
            let condition = unchanged(&mut update, &item);
            if let Some(before) = self.replace(pk, SORT_KEY, update, Some(condition)).await? {
                return Ok((advanced(&before, change), before));
            }
        }
        Err(StoreError::Unavailable("the head was changed meanwhile".to_owned()))
    }

    async fn stay_behind(
        &self,
        pk: &str,
        change: &HeadChange,
        now: OffsetDateTime,
        item: Item,
    ) -> Result<(Advance, Item), StoreError> {
        if let Some((at, status)) = change.milestone.as_ref().filter(|(at, status)| timeline::lacks(&item, *at, status))
        {
            let update = Update::default().set(&timeline::name(*at), string(status)).set("expires_at", self.ttl(now));
            self.update(pk, SORT_KEY, update, None).await?;
        }
        // A faster attempt at the same notification may have seen a newer version. In doubt the
        // change is news, though a deletion stays.
        let is_own = text(&item, "notification") == Some(change.notification.as_str());
        let is_news = is_own || is_in_doubt(&item, change, now);
        Ok((if is_news { Advance::Advanced } else { Advance::Superseded }, item))
    }

    async fn tidy_timeline(
        &self,
        pk: &str,
        before: &Item,
        change: &HeadChange,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let surplus = timeline::surplus(before);
        if change.milestone.is_none() || surplus.is_empty() {
            return Ok(());
        }
        let update = Update::default().set("expires_at", self.ttl(now));
        let update = surplus.into_iter().fold(update, |update, at| update.remove(&timeline::name(at)));
        self.update(pk, SORT_KEY, update, None).await?;
        Ok(())
    }

    fn head_update(&self, change: &HeadChange, now: OffsetDateTime) -> Update {
        let mut update = Update::default()
            .set("notification", string(change.notification.as_str()))
            .set("updated_at", string(time_text(now)))
            .set("expires_at", self.ttl(now))
            .set("gone", AttributeValue::Bool(change.gone))
            .set_some("status", change.status.clone().map(string))
            .set_some("detail", change.detail.map(string))
            .set_some("internal_id", change.internal_id.clone().map(string))
            .set_some("previous_key", change.previous_key.clone().map(string));
        // Without a fetch, the facts of the last fetch no longer hold.
        for (name, clue) in [("etag", &change.revision.etag), ("content", &change.revision.content)] {
            update = match clue {
                Some(clue) => update.set(name, string(clue)),
                None => update.remove(name),
            };
        }
        if !change.gone {
            update = update.set("deleted", AttributeValue::Bool(change.deleted));
        }
        for (clock, at) in change.versions.known() {
            update = update.set(&version_name(clock), number(at.at().get()));
        }
        match &change.milestone {
            Some((at, status)) => update.set(&timeline::name(*at), string(status)),
            None => update,
        }
    }

    /// Marks the former number of a renumbered account. May be repeated.
    pub async fn mark_renumbered(&self, old: &EntityId, new_key: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().set("renumbered_to", string(new_key)).set("expires_at", self.ttl(now));
        self.update(&partition(old), SORT_KEY, update, None).await?;
        Ok(())
    }

    pub(crate) fn ttl(&self, now: OffsetDateTime) -> AttributeValue {
        number(self.expires_at(now))
    }
}

/// Whether a sweep found only what the head knows. An earlier attempt at the same notification may
/// have written the head and died before it published the event; then it is still news.
fn advanced(before: &Item, change: &HeadChange) -> Advance {
    let is_own = text(before, "notification") == Some(change.notification.as_str());
    let is_no_news = change.was_swept && !is_own && shows(before, &change.revision);
    if is_no_news { Advance::Superseded } else { Advance::Advanced }
}

/// Whether the head has this revision, and its entity exists.
pub(crate) fn shows(item: &Item, revision: &Revision) -> bool {
    let is_there = !flag(item, "deleted") && !flag(item, "gone");
    is_there && revision.is_same(text(item, "etag"), text(item, "content"))
}

/// The condition of a change: there is no head yet, or the change is older by none of the clocks
/// that both know. At the same version a deletion stays, and known content is not news, unless it
/// is the same notification again.
fn advance_condition(update: &mut Update, change: &HeadChange, now: OffsetDateTime) -> String {
    let known = update.name("notification");
    let own = update.value(string(change.notification.as_str()));
    let (mut not_older, mut newer) = (Vec::new(), Vec::new());
    for (clock, at) in change.versions.known() {
        let version = update.name(&version_name(clock));
        let none = no_version(update, &version, now);
        if !at.is_certain() {
            let (may_be_newer, is_newer) = in_doubt(update, &version, &none, at, change);
            not_older.push(may_be_newer);
            newer.push(is_newer);
            continue;
        }
        let at = update.value(number(at.at().get()));
        not_older.push(format!("({none} OR {version} <= {at})"));
        let is_newer = format!("{none} OR {version} < {at}");
        newer.push(match (change.strictly_newer, change.deleted) {
            (true, _) => format!("({is_newer})"),
            (false, true) => format!("({is_newer} OR {version} = {at})"),
            (false, false) => {
                let (deleted, yes) = (update.name("deleted"), update.value(AttributeValue::Bool(true)));
                format!("({is_newer} OR ({version} = {at} AND NOT {deleted} = {yes}))")
            }
        });
    }
    // AND binds tighter than OR, and DynamoDB refuses redundant parentheses.
    format!("{known} = {own} AND {} OR {}", not_older.join(" AND "), newer.join(" AND "))
}

/// The same two conditions for a local time that occurred twice, when the clocks were set back. The
/// known version may be later by one reading, and the change still newer by the other. `none` is the
/// condition that there is no version.
fn in_doubt(update: &mut Update, version: &str, none: &str, stamp: Stamp, change: &HeadChange) -> (String, String) {
    let latest = update.value(number(stamp.latest().get()));
    let may_be_newer = format!("({none} OR {version} <= {latest})");
    if change.deleted && !change.strictly_newer {
        return (may_be_newer.clone(), may_be_newer);
    }
    let [at, first] = [stamp.at(), stamp.first()].map(|ticks| update.value(number(ticks.get())));
    let is_other = format!("NOT {version} IN ({at}, {first})");
    let stands = match change.strictly_newer {
        true => is_other,
        false => {
            let (deleted, yes) = (update.name("deleted"), update.value(AttributeValue::Bool(true)));
            format!("({is_other} OR NOT {deleted} = {yes})")
        }
    };
    let is_newer = format!("({none} OR ({version} <= {latest} AND {stands}))");
    (may_be_newer, is_newer)
}

/// Whether the change is older only by the body's clock, and newer by the resource's. A deletion
/// has no resource with a time, so it stays.
fn is_outranked(item: &Item, change: &HeadChange, now: OffsetDateTime) -> bool {
    let known = |clock| version_of(item, clock, now);
    let (Some(resource), Some(body)) = (change.versions.resource, change.versions.body) else { return false };
    let is_newer = known("resource").is_some_and(|known| known <= resource.latest() && !resource.is_known_by(known));
    is_newer && known("body").is_some_and(|known| known > body) && !flag(item, "deleted")
}

/// Whether the change may be newer although its body shows an earlier time than the head's: the
/// body's clock may be a local one (docs/visma-net.md#times-and-zones). If the head has a time ahead
/// of UTC, the body's may be by another clock. If both know the resource's clock, that decides.
fn is_in_doubt(item: &Item, change: &HeadChange, now: OffsetDateTime) -> bool {
    let (Some(body), Some(known)) = (change.versions.body, version_of(item, "body", now)) else { return false };
    let is_decided = change.versions.resource.is_some() && version_of(item, "resource", now).is_some();
    if change.strictly_newer || is_decided || body >= known {
        return false;
    }
    let may_be_other_clock = written_before(item, known).is_some() && body <= Ticks::from_datetime(now);
    may_be_other_clock || Zone::hides_order(body.to_datetime(), known.to_datetime())
}

/// When the head was written, if that was before its time by the body's clock. Only a clock ahead of
/// UTC shows such a time: the body was made before the head was written.
pub(crate) fn written_before(item: &Item, body: Ticks) -> Option<Ticks> {
    let written = OffsetDateTime::parse(text(item, "updated_at")?, &Rfc3339).ok()?;
    (body > Ticks::from_datetime(written + SKEW)).then(|| Ticks::from_datetime(written))
}

/// The condition that the head has not changed since it was read.
fn unchanged(update: &mut Update, item: &Item) -> String {
    let same = ["notification", "updated_at", "version_resource", "version_body"].into_iter().filter_map(|name| {
        let value = item.get(name)?.clone();
        Some(format!("{} = {}", update.name(name), update.value(value)))
    });
    same.collect::<Vec<_>>().join(" AND ")
}

fn version_name(clock: &str) -> String {
    format!("version_{clock}")
}

/// The version by this clock. One from the future counts as none: it was written before times were
/// checked, and no real change would ever be newer. One before the year 2000 holds nothing back.
pub(crate) fn version_of(item: &Item, clock: &str, now: OffsetDateTime) -> Option<Ticks> {
    integer(item, &version_name(clock)).and_then(Ticks::new).filter(|version| *version <= latest_credible(now))
}

/// The same as a condition: that there is no version of this name, or one from the future.
pub(crate) fn no_version(update: &mut Update, version: &str, now: OffsetDateTime) -> String {
    let latest = update.value(number(latest_credible(now).get()));
    format!("attribute_not_exists({version}) OR {version} > {latest}")
}
