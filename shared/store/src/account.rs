//! Finds a renumbered account: its number may change, but its id never changes
//! (docs/visma-net.md#resources).

use crate::attributes::{Item, Update, integer, number, string, text};
use crate::error::StoreError;
use crate::head;
use crate::item::Items;
use crate::keys::partition;
use crate::table::Table;
use time::OffsetDateTime;
use webhooks_model::{Entity, EntityId, HeadChange, Stamp};

const SORT_KEY: &str = "NUMBER";
/// Attributes of a head: the account that has this number now, and until when the number is
/// recorded under the account's id.
const FOLLOWED: &str = "followed";
const FOLLOWED_UNTIL: &str = "followed_until";

impl<I: Items> Table<I> {
    /// Records that the account of this change has this number now, unless the earlier head says
    /// so. The head is written last, so that the next attempt repairs a crash in between.
    pub(crate) async fn follow_number(
        &self,
        change: &HeadChange,
        before: &Item,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let (Entity::Account, Some(id), Some(version)) =
            (change.entity.entity, &change.internal_id, change.versions.resource)
        else {
            return Ok(());
        };
        if self.is_followed(before, id, now) {
            return Ok(());
        }
        let Some(Numbered { previous }) = self.number_account(&change.entity, id, version, now).await? else {
            return Ok(());
        };
        let mut update = Update::default()
            .set(FOLLOWED, string(id))
            .set(FOLLOWED_UNTIL, self.ttl(now))
            .set_some("previous_key", previous.filter(|_| change.previous_key.is_none()).map(string))
            .remove("renumbered_to");
        let is_there = format!("attribute_exists({})", update.name("pk"));
        self.update(&partition(&change.entity), head::SORT_KEY, update, Some(is_there)).await?;
        Ok(())
    }

    /// The number belongs to the account until another account takes it, or the account gets
    /// another number. It is recorded again after half of the retention, so that an account that
    /// changes but keeps its number does not expire.
    fn is_followed(&self, head: &Item, id: &str, now: OffsetDateTime) -> bool {
        text(head, FOLLOWED) == Some(id)
            && text(head, "renumbered_to").is_none()
            && integer(head, FOLLOWED_UNTIL).is_some_and(|until| until >= self.half_expires_at(now))
    }

    /// Records that the account `internal_id` has the number `entity.key`. `None` if a newer
    /// version recorded another number. The former number is marked first, so that the next attempt
    /// repairs a crash in between.
    async fn number_account(
        &self,
        entity: &EntityId,
        internal_id: &str,
        version: Stamp,
        now: OffsetDateTime,
    ) -> Result<Option<Numbered>, StoreError> {
        let pk = format!("{}#account_id#{internal_id}", entity.tenant);
        let known = self.items.get(&pk, SORT_KEY).await?.unwrap_or_default();
        if head::version_of(&known, "resource", now).is_some_and(|at| at > version.latest()) {
            return Ok(None);
        }
        let has_number = text(&known, "number").is_some_and(|number| number == entity.key);
        let previous = text(&known, if has_number { "previous" } else { "number" }).map(str::to_owned);
        if let Some(previous) = previous.as_ref().filter(|_| !has_number) {
            let old = EntityId { key: previous.clone(), ..entity.clone() };
            self.mark_renumbered(&old, &entity.key, now).await?;
        }
        let mut update = Update::default()
            .set("number", string(&entity.key))
            .set_some("previous", previous.clone().map(string))
            .set("version_resource", number(version.at().get()))
            .set("expires_at", self.ttl(now));
        let (stored, ours) = (update.name("version_resource"), update.value(number(version.latest().get())));
        let not_newer = format!("{} OR {stored} <= {ours}", head::no_version(&mut update, &stored, now));
        let is_newest = self.update(&pk, SORT_KEY, update, Some(not_newer)).await?;
        Ok(is_newest.then_some(Numbered { previous }))
    }
}

/// The change with the account's former number, if it was ever renumbered.
struct Numbered {
    previous: Option<String>,
}
