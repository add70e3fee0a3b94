//! Finding a renumbered account: its number may change, its id never does (reference 4.3).

use crate::attributes::{Item, Update, integer, number, string, text};
use crate::error::StoreError;
use crate::head::number_of;
use crate::item::Items;
use crate::table::Table;
use time::OffsetDateTime;
use webhooks_model::{EntityId, Ticks};

const SORT_KEY: &str = "NUMBER";

impl<I: Items> Table<I> {
    /// Remembers that the account `internal_id` now has the number `entity.key`, and returns the number it had before if that was
    /// another one, now or by an earlier attempt. The old number is marked first, so that a crash in between is made good by the next attempt.
    pub(crate) async fn number_account(
        &self,
        entity: &EntityId,
        internal_id: &str,
        version: Ticks,
        now: OffsetDateTime,
    ) -> Result<Option<String>, StoreError> {
        let pk = format!("{}#account_id#{internal_id}", entity.tenant);
        let known = self.items.get(&pk, SORT_KEY).await?;
        let current = known.as_ref().and_then(|item| text(item, "number"));
        if current == Some(entity.key.as_str()) {
            self.keep_number(&pk, known.as_ref(), now).await?;
            return Ok(known.as_ref().and_then(|item| text(item, "previous")).map(str::to_owned));
        }
        let is_older = known.as_ref().and_then(|item| number_of(item, "resource")).is_some_and(|at| at > version.get());
        if is_older {
            return Ok(None);
        }
        let previous = current.map(str::to_owned);
        if let Some(previous) = &previous {
            let old = EntityId { key: previous.clone(), ..entity.clone() };
            self.mark_renumbered(&old, &entity.key, now).await?;
        }
        let mut update = Update::default()
            .set("number", string(&entity.key))
            .set_some("previous", previous.clone().map(string))
            .set("version_resource", number(version.get()))
            .set("expires_at", self.ttl(now));
        let (stored, ours) = (update.name("version_resource"), update.value(number(version.get())));
        self.update(&pk, SORT_KEY, update, Some(format!("attribute_not_exists({stored}) OR {stored} <= {ours}")))
            .await?;
        Ok(previous)
    }

    /// An account that changes but keeps its number is not forgotten while it does: rarely, since each time is a write.
    async fn keep_number(&self, pk: &str, known: Option<&Item>, now: OffsetDateTime) -> Result<(), StoreError> {
        let expires_at = known.and_then(|item| integer(item, "expires_at"));
        if expires_at.is_some_and(|at| at < self.half_expires_at(now)) {
            self.update(pk, SORT_KEY, Update::default().set("expires_at", self.ttl(now)), None).await?;
        }
        Ok(())
    }
}
