//! Replays and redrives that wait for the end of a pause. What has ended, is dead or is parked
//! cannot become paused, for state moves only forward; so an item beside it says that it waits. It
//! is found among what is paused, and both are kept until it goes on.

use crate::attributes::{Item, Update, integer, string, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, raw_part, sort_key, wait_key};
use crate::moments::{MOMENTS, moment};
use crate::table::Table;
use time::OffsetDateTime;
use webhooks_model::{LedgerKey, Reason, State};

pub trait Waits: Send + Sync {
    /// What waited beside the notification is on its way. `false` when it was asked for once more
    /// after `since`, the time by which the list of what is paused knew it: then it goes on
    /// waiting.
    fn let_go(
        &self,
        key: &LedgerKey,
        since: &str,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl<I: Items> Waits for Table<I> {
    async fn let_go(&self, key: &LedgerKey, since: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let pk = partition(&key.entity);
        let mut update = Update::default().set("expires_at", self.ttl(now)).remove("attention").remove("attention_at");
        let (at, read) = (update.name("attention_at"), update.value(string(since)));
        if !self.update(&pk, &wait_key(key), update, Some(format!("{at} = {read}"))).await? {
            return Ok(false);
        }
        // Of what is paused or held, somebody else decides. If we die here, what comes of the
        // replay gives it an end again.
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
    /// Makes it wait beside its record, with as many parts of a raw item. If we die on the way, the
    /// message comes again and does it again.
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
            return Err(StoreError::Unavailable("the record has just gone".into()));
        }
        self.keep_parts(key, parts).await?;
        Ok(true)
    }

    /// The parts of a raw item that were kept have an end again.
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

    /// The parts of a raw item live as long as their record.
    pub(crate) async fn keep_parts(&self, key: &LedgerKey, parts: usize) -> Result<(), StoreError> {
        for part in 0..parts {
            let mut update = Update::default().remove("expires_at");
            let condition = format!("attribute_exists({})", update.name("raw"));
            self.update(&partition(&key.entity), &raw_part(key, part), update, Some(condition)).await?;
        }
        Ok(())
    }
}

/// In how many parts the raw item of a record is kept.
pub(crate) fn parts_in(record: &Item) -> usize {
    integer(record, "raw_parts").and_then(|parts| usize::try_from(parts).ok()).unwrap_or_default()
}
