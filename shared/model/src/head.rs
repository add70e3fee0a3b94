//! The current state of an entity, and the order of the notifications that may change it.

use crate::catalogue::Entity;
use crate::clock::Stamp;
use crate::identity::NotificationKey;
use crate::revision::Revision;
use crate::text::is_name;
use crate::ticks::Ticks;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest partition key of a DynamoDB table, in bytes. An entity's is
/// `{tenant}#{entity}#{key}`.
pub const LONGEST_PARTITION_KEY: usize = 2048;

/// An entity of a tenant. The table keeps each in its own partition. Check one from outside with
/// [`EntityId::check`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct EntityId {
    pub tenant: String,
    pub entity: Entity,
    /// The visible number, for example `1920` or `SO/000123`.
    pub key: String,
}

/// Names the field that no table key can hold, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is empty, too long for a table key, or no name")]
pub struct InvalidEntity {
    pub field: &'static str,
}

#[derive(Deserialize)]
struct Unchecked {
    tenant: String,
    entity: Entity,
    key: String,
}

impl TryFrom<Unchecked> for EntityId {
    type Error = InvalidEntity;

    fn try_from(Unchecked { tenant, entity, key }: Unchecked) -> Result<Self, InvalidEntity> {
        Self { tenant, entity, key }.check()
    }
}

impl EntityId {
    /// Returns the entity if the table can hold its key. The tenant must have 1 to 64 letters,
    /// digits, `-` and `_`. The key must not be empty, and the partition key must be within
    /// [`LONGEST_PARTITION_KEY`].
    ///
    /// # Errors
    /// The wrong field: `tenant` or `key`.
    pub fn check(self) -> Result<Self, InvalidEntity> {
        if !is_name(&self.tenant) {
            return Err(InvalidEntity { field: "tenant" });
        }
        let length = self.tenant.len() + 1 + self.entity.as_str().len() + 1 + self.key.len();
        if self.key.is_empty() || length > LONGEST_PARTITION_KEY {
            return Err(InvalidEntity { field: "key" });
        }
        Ok(self)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.entity, self.key)
    }
}

/// When the change happened, by each clock that reported it. Different clocks are never compared
/// (docs/visma-net.md#open-questions, question 10). The clock of a header does not count: a replay
/// under an altered header would move the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// `lastModifiedDateTime` of the resource, from the ERP, fetched with our own token.
    pub resource: Option<Stamp>,
    /// The timestamp of the signed body. It may be the time at which the webhook was made, so the
    /// resource's outranks it (docs/visma-net.md#bodies).
    pub body: Option<Ticks>,
    /// Our clock at intake. It counts only without the others.
    pub received: Option<Ticks>,
}

impl Versions {
    /// Chooses the clocks that order this change.
    pub fn new(resource: Option<Stamp>, body: Option<Ticks>, received: Ticks) -> Self {
        let received = (resource.is_none() && body.is_none()).then_some(received);
        Self { resource, body, received }
    }

    /// The known clocks, by name.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, Stamp)> {
        let [body, received] = [self.body, self.received].map(|ticks| ticks.map(Stamp::from));
        [("resource", self.resource), ("body", body), ("received", received)]
            .into_iter()
            .filter_map(|(name, stamp)| Some((name, stamp?)))
    }
}

/// What a notification says about its entity's current state.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadChange {
    pub entity: EntityId,
    pub notification: NotificationKey,
    pub versions: Versions,
    /// Whether an equal version is too old as well, as for content that was seen before under
    /// another id.
    pub strictly_newer: bool,
    /// The current status, as far as known.
    pub status: Option<String>,
    /// A status that the entity reached, and when, for the timeline. It counts even if the change
    /// itself comes too late.
    pub milestone: Option<(Ticks, String)>,
    pub deleted: bool,
    /// The ERP has no such resource, though no deletion was reported.
    pub gone: bool,
    /// The kind of entity in the fetched resource: `stock_item`, `non_stock_item`, `cash_account`.
    pub detail: Option<&'static str>,
    /// The ERP's own stable id, which outlives a renumbering (docs/visma-net.md#resources).
    pub internal_id: Option<String>,
    /// The account's number before it was renumbered.
    pub previous_key: Option<String>,
    /// Identifies the fetched state, to recognise it in a list that shows only a new time.
    pub revision: Revision,
    /// Whether a sweep found it. Then content that the head already has is not a change: an upgrade
    /// may touch the time of every row (docs/visma-net.md#mass-changes).
    pub was_swept: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_shown_with_its_tenant() {
        let entity = EntityId { tenant: "t-1".into(), entity: Entity::SalesOrder, key: "SO/000123".into() };
        assert_eq!(entity.to_string(), "t-1/sales_order/SO/000123");
    }

    #[test]
    fn rejects_an_entity_that_no_table_key_can_hold() {
        let of = |tenant: &str, key: &str| EntityId { tenant: tenant.into(), entity: Entity::Account, key: key.into() };
        let longest = "å".repeat((LONGEST_PARTITION_KEY - "t#account#".len()) / 2);
        for fits in [of("t", "1920"), of(&"t".repeat(64), "Ås & Co / 1%2F2 #"), of("t", &longest)] {
            let json = serde_json::to_string(&fits).unwrap();
            assert_eq!(serde_json::from_str::<EntityId>(&json).unwrap(), fits);
        }
        for (wrong, field) in [
            (of("t", ""), "key"),
            (of("t", &format!("{longest}1")), "key"),
            (of("", "1920"), "tenant"),
            (of("a#b", "1920"), "tenant"),
            (of(&"t".repeat(65), "1920"), "tenant"),
        ] {
            let json = serde_json::to_string(&wrong).unwrap();
            assert!(serde_json::from_str::<EntityId>(&json).is_err());
            assert_eq!(wrong.check(), Err(InvalidEntity { field }));
        }
    }

    #[test]
    fn our_own_clock_orders_only_without_other_clocks() {
        let [resource, body, received] = [1, 2, 3].map(Ticks::new).map(Option::unwrap);
        let known = |resource: Option<Ticks>, body| {
            let versions = Versions::new(resource.map(Stamp::from), body, received);
            versions.known().map(|(name, stamp)| (name, stamp.at())).collect::<Vec<_>>()
        };
        assert_eq!(known(Some(resource), Some(body)), [("resource", resource), ("body", body)]);
        assert_eq!(known(Some(resource), None), [("resource", resource)]);
        assert_eq!(known(None, Some(body)), [("body", body)]);
        assert_eq!(known(None, None), [("received", received)]);
    }
}
