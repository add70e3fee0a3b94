//! Replays and redrives that wait for the end of a pause. A notification that has ended, is dead or
//! is parked cannot become paused, since a state moves only forward. So a separate item records the
//! wait. It is listed as paused, and both items are kept until it continues.

use crate::attributes::{Item, Update, integer, string, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, raw_part, sort_key, wait_key};
use crate::moments::{MOMENTS, moment};
use crate::table::Table;
use time::OffsetDateTime;
use webhooks_model::{LedgerKey, Reason, State};

impl<I: Items> Table<I> {
    /// Ends the wait of a notification whose message is on its way. `false` if it was requested
    /// again after `since`, its time in the list of paused ones: then it still waits.
    pub async fn let_go(&self, key: &LedgerKey, since: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let pk = partition(&key.entity);
        let mut update = Update::default().set("expires_at", self.ttl(now)).remove("attention").remove("attention_at");
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
    /// Writes the wait and keeps its record and the parts of its raw item. If the function dies in
    /// between, the message is repeated and does it again.
    pub(crate) async fn wait(&self, key: &LedgerKey, parts: usize, now: OffsetDateTime) -> Result<bool, StoreError> {
        let pk = partition(&key.entity);
        let since = time_text(now);
        let update = Update::default()
            .set("attention", string(State::Paused.as_str()))
            .set("attention_at", string(&since))
            .remove("expires_at");
        self.update(&pk, &wait_key(key), update, None).await?;
        let paused = moment(State::Paused.as_str(), now, None);
        let mut update = Update::default().append(MOMENTS, paused).remove("expires_at");
        let condition = format!("attribute_exists({})", update.name("state"));
        if !self.update(&pk, &sort_key(key), update, Some(condition)).await? {
            self.let_go(key, &since, now).await?;
            return Err(StoreError::Unavailable("the record expired just now".into()));
        }
        self.keep_parts(key, parts).await?;
        Ok(true)
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

/// The number of parts of a record's raw item.
pub(crate) fn parts_in(record: &Item) -> usize {
    integer(record, "raw_parts").and_then(|parts| usize::try_from(parts).ok()).unwrap_or_default()
}
