//! The entities that a notification can be about, and what can happen to them. Each entity has one
//! row in `entity/rows.rs`.

use crate::text::Text;
use crate::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fields that identify an entity. A notification without them is parked as `unidentified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// One visible number, name or id.
    Key,
    /// An order's type and number, or a segment's dimension and number, for example `SO/000123`
    /// (docs/visma-net.md#resources).
    Pair,
    /// None: the event is about the whole company.
    Company,
}

/// A group of entities on the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Entity,
    /// Entities with a status that changes.
    Document,
    Other,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Entity, Self::Document, Self::Other];

    /// On the console.
    pub fn title(self) -> &'static str {
        match self {
            Self::Entity => "Entities",
            Self::Document => "Documents",
            Self::Other => "Other",
        }
    }
}

/// The facts about one entity.
struct Row {
    /// In JSON, in the table's keys and in the patterns of the settings: the variant in snake case.
    name: &'static str,
    /// On the console.
    title: &'static str,
    group: Group,
    identification: Identification,
    /// The first path segments that name its resource (docs/visma-net.md#resources). The first of
    /// them is fetched. Empty where the ERP has no such resource.
    resources: &'static [&'static str],
    /// The fields of a payload that hold its key. The first that is there counts.
    keys: &'static [&'static str],
    /// All events about it.
    events: &'static [Event],
    /// The name that an accountant uses, in each language.
    words: Text,
}

/// One event in an entity's row.
pub(crate) struct Event {
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    /// Whether the id is only assumed (docs/visma-net.md#open-questions, question 2).
    pub(crate) is_assumed: bool,
}

/// An event whose id follows the pattern of the documented ids.
const fn assumed_id(id: &'static str, kind: Kind) -> Event {
    Event { id, kind, is_assumed: true }
}

/// An event whose id Visma Net documents.
const fn documented_id(id: &'static str, kind: Kind) -> Event {
    Event { id, kind, is_assumed: false }
}

/// Declares the entities and their rows.
macro_rules! entities {
    ($($(#[$about:meta])* $entity:ident = $row:expr;)+) => {
        /// The changed entity. Employees and projects are published under two names each; both mean
        /// one entity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Entity {
            $($(#[$about])* $entity,)+
        }

        impl Entity {
            pub const ALL: [Self; ROWS.len()] = [$(Self::$entity),+];
        }

        /// In the order of the variants.
        pub(super) const ROWS: &[Row] = &[$($row),+];
    };
}

// Below the macro, which it uses.
mod rows;

pub use rows::Entity;
use rows::ROWS;

impl Entity {
    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// In plain words, for an operator.
    pub fn label(self) -> String {
        self.as_str().replace('_', " ")
    }

    /// On the console.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    pub fn group(self) -> Group {
        self.row().group
    }

    /// The fields that a payload must have to identify its entity.
    pub fn identification(self) -> Identification {
        self.row().identification
    }

    pub(crate) fn is_document(self) -> bool {
        self.group() == Group::Document
    }

    pub(crate) fn resources(self) -> &'static [&'static str] {
        self.row().resources
    }

    pub(crate) fn key_fields(self) -> &'static [&'static str] {
        self.row().keys
    }

    pub(crate) const fn events(self) -> &'static [Event] {
        self.row().events
    }

    pub(crate) fn words(self) -> Text {
        self.row().words
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

words! {
    /// What happened to the entity (docs/visma-net-events.md).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Kind {
        Action = "action",
        Background = "background",
        Changed = "changed",
        Completed = "completed",
        Created = "created",
        Deleted = "deleted",
        IdentityChanged = "identity_changed",
        /// A step of a voucher through the ledgers. The event's name is the status.
        Lifecycle = "lifecycle",
        StatusChanged = "status_changed",
        Unknown = "unknown",
        Updated = "updated",
        ValueChanged = "value_changed",
    }
}

impl Kind {
    /// Whether the notification only says "look again", so that a newer one replaces it. The other
    /// kinds are occurrences of their own: a creation, a deletion or an action stays true however
    /// late it arrives.
    pub fn is_hint(self) -> bool {
        matches!(self, Self::Changed | Self::Updated | Self::StatusChanged | Self::ValueChanged)
    }

    /// Whether no resource of the ERP can show that it happened. An order, for example, exists
    /// whether or not its action was run.
    pub fn leaves_no_trace(self) -> bool {
        matches!(self, Self::Action | Self::Completed | Self::Lifecycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_label_is_plain_words() {
        assert_eq!(Entity::SalesOrder.label(), "sales order");
    }

    #[test]
    fn only_actions_and_steps_leave_no_trace_in_the_erp() {
        let without = Kind::ALL.into_iter().filter(|kind| kind.leaves_no_trace());
        assert_eq!(without.collect::<Vec<_>>(), [Kind::Action, Kind::Completed, Kind::Lifecycle]);
    }

    #[test]
    fn each_group_has_a_title() {
        assert_eq!(Group::ALL.map(Group::title), ["Entities", "Documents", "Other"]);
    }

    #[test]
    fn each_row_stands_at_its_entity() {
        assert_eq!(Entity::ALL.len(), ROWS.len());
        for entity in Entity::ALL {
            assert_eq!(serde_json::to_value(entity).unwrap(), entity.as_str());
        }
    }

    #[test]
    fn no_two_entities_share_a_resource_or_a_title() {
        // Except that a segment is below its dimension.
        let others = Entity::ALL.iter().filter(|entity| **entity != Entity::Segment);
        let resources: Vec<_> = others.flat_map(|entity| entity.resources()).collect();
        assert_eq!(resources.iter().collect::<BTreeSet<_>>().len(), resources.len());
        let titles: BTreeSet<_> = Entity::ALL.iter().map(|entity| entity.title()).collect();
        assert_eq!(titles.len(), Entity::ALL.len());
    }
}
