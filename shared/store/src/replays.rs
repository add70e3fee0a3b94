//! Replays. A recorded notification is read, so that it can be given to the processor again. A
//! replay or a redrive may have to wait for the end of a pause. A notification that has ended, is
//! dead or is parked cannot become paused, since a state moves only forward. So a separate item
//! records the wait. It is listed as paused, and both items are kept until it continues.

use crate::attributes::{Item, Update, integer, string, text, time_text};
use crate::error::StoreError;
use crate::history::{MOMENTS, moment};
use crate::implied::{id_in_header, placed, received_at};
use crate::item::Items;
use crate::keys::{partition, raw_part, sort_key, wait_key};
use crate::table::Table;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::notification::Proof;
use webhooks_model::replay::Recorded;
use webhooks_model::{Channel, Delivery, LedgerKey, Notification, Reason, State};

/// The time in the list of the wait that ended last.
const ENDED_WAIT: &str = "ended_wait";
const TIMES: [&str; 2] = ["attention_at", ENDED_WAIT];

impl<I: Items> Table<I> {
    /// A delivery that reads as this notification. `None` if it is not recorded, or its raw item
    /// has expired. A record that only a newer version can read is an error.
    pub async fn replay(&self, key: &LedgerKey) -> Result<Option<Delivery>, StoreError> {
        let Some(item) = self.items.get(&partition(&key.entity), &sort_key(key)).await? else {
            return Ok(None);
        };
        if has_newer_words(&item) {
            return Err(StoreError::Newer("the record"));
        }
        let raw = self.raw(key, &item).await?;
        Ok(raw.and_then(|raw| recorded(key, &item, raw)).map(Recorded::replay))
    }

    /// Ends the wait of a notification whose message is on its way. `false` if it was requested
    /// again after `since`, its time in the list of paused ones: then it still waits.
    pub async fn let_go(&self, key: &LedgerKey, since: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let pk = partition(&key.entity);
        let mut update = Update::default()
            .set("expires_at", self.ttl(now))
            .copy("attention_at", ENDED_WAIT)
            .remove("attention")
            .remove("attention_at");
        let (at, read) = (update.name("attention_at"), update.value(string(since)));
        if !self.update(&pk, &wait_key(key), update, Some(format!("{at} = {read}"))).await? {
            return Ok(false);
        }
        // A paused or held record keeps its own rules. If the function dies here, the replay itself
        // gives the record an expiry again.
        let mut update = Update::default().set("expires_at", self.ttl(now));
        let [state, reason] = ["state", "reason"].map(|name| update.name(name));
        let words = [State::Paused.as_str(), State::Parked.as_str(), Reason::Held.as_str()];
        let [paused, parked, held] = words.map(|word| update.value(string(word)));
        let condition = format!(
            "attribute_exists({state}) AND NOT {state} = {paused} AND NOT ({state} = {parked} AND {reason} = {held})"
        );
        if let Some(before) = self.replace(&pk, &sort_key(key), update, Some(condition)).await? {
            self.let_parts_go(key, parts_in(&before), now).await?;
        }
        Ok(true)
    }
}

impl<I: Items> Table<I> {
    /// The exact text of a notification's item, with its parts joined.
    pub(crate) async fn raw(&self, key: &LedgerKey, item: &Item) -> Result<Option<String>, StoreError> {
        let Some(parts) = integer(item, "raw_parts") else {
            return Ok(text(item, "raw").map(str::to_owned));
        };
        let mut whole = String::new();
        for part in 0..parts {
            let item = self.items.get(&partition(&key.entity), &raw_part(key, part)).await?;
            let Some(raw) = item.as_ref().and_then(|item| text(item, "raw")) else {
                return Ok(None);
            };
            whole.push_str(raw);
        }
        Ok(Some(whole))
    }

    /// Writes the wait and keeps its record and the parts of its raw item. The record moves to the
    /// place in the feed of this receipt, which tells an erasure whether to keep all of them. If the
    /// function dies in between, the message is repeated and does it again.
    pub(crate) async fn wait(&self, n: &Notification, parts: usize, now: OffsetDateTime) -> Result<bool, StoreError> {
        let key = &n.ledger_key();
        let pk = partition(&key.entity);
        let since = self.begin_wait(&pk, &wait_key(key), now).await?;
        let paused = moment(State::Paused.as_str(), now, None);
        let mut update = placed(Update::default(), n).append(MOMENTS, paused).remove("expires_at");
        let condition = format!("attribute_exists({})", update.name("state"));
        if !self.update(&pk, &sort_key(key), update, Some(condition)).await? {
            self.let_go(key, &since, now).await?;
            return Err(StoreError::Unavailable("the record expired just now".into()));
        }
        self.keep_parts(key, parts).await?;
        Ok(true)
    }

    /// Returns the time of the wait in the list. It is later than that of any wait of the notification
    /// before, whatever the clocks of the machines say. So the end of one never ends another.
    async fn begin_wait(&self, pk: &str, sk: &str, now: OffsetDateTime) -> Result<String, StoreError> {
        let mut at = now;
        loop {
            let since = time_text(at);
            let mut update = Update::default()
                .set("attention", string(State::Paused.as_str()))
                .set("attention_at", string(&since))
                .remove("expires_at");
            let ours = update.value(string(&since));
            let earlier = TIMES.map(|name| format!("NOT {} >= {ours}", update.name(name)));
            if self.update(pk, sk, update, Some(earlier.join(" AND "))).await? {
                return Ok(since);
            }
            let item = self.items.get(pk, sk).await?.unwrap_or_default();
            let known = TIMES.iter().filter_map(|name| OffsetDateTime::parse(text(&item, name)?, &Rfc3339).ok()).max();
            at = known.unwrap_or(at) + Duration::MILLISECOND;
        }
    }

    /// Gives the kept parts of a raw item an expiry again.
    pub(crate) async fn let_parts_go(
        &self,
        key: &LedgerKey,
        parts: usize,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        for part in 0..parts {
            let mut update = Update::default().set("expires_at", self.ttl(now));
            let condition = format!("attribute_exists({})", update.name("raw"));
            self.update(&partition(&key.entity), &raw_part(key, part), update, Some(condition)).await?;
        }
        Ok(())
    }

    /// Removes the expiry of the parts of a raw item, which live as long as their record.
    pub(crate) async fn keep_parts(&self, key: &LedgerKey, parts: usize) -> Result<(), StoreError> {
        for part in 0..parts {
            let mut update = Update::default().remove("expires_at");
            let condition = format!("attribute_exists({})", update.name("raw"));
            self.update(&partition(&key.entity), &raw_part(key, part), update, Some(condition)).await?;
        }
        Ok(())
    }
}

/// Whether only a newer version knows what its delivery says.
fn has_newer_words(item: &Item) -> bool {
    text(item, "answer_role").is_some_and(|role| AnswerRole::parse(role).is_none())
        || text(item, "channel").is_some_and(|channel| Channel::parse(channel).is_none())
        || text(item, "proof").is_some_and(|proof| Proof::parse(proof).is_none())
}

fn recorded(key: &LedgerKey, item: &Item, raw: String) -> Option<Recorded> {
    Some(Recorded {
        key: key.clone(),
        answer: text(item, "answer_role").map_or(Some(AnswerRole::Own), AnswerRole::parse)?,
        delivery: Uuid::try_parse(text(item, "delivery")?).ok()?,
        id_in_header: id_in_header(&key.notification, item),
        channel: Channel::parse(text(item, "channel")?)?,
        subscription: text(item, "subscription")?.to_owned(),
        event: text(item, "event").unwrap_or_default().to_owned(),
        proof: text(item, "proof").and_then(Proof::parse)?,
        received_at: received_at(item)?,
        raw,
    })
}

/// The number of parts of a record's raw item.
pub(crate) fn parts_in(record: &Item) -> usize {
    integer(record, "raw_parts").and_then(|parts| usize::try_from(parts).ok()).unwrap_or_default()
}
