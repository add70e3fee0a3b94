//! All events that Visma Net documents (docs/visma-net-events.md), and the search for one by its
//! name.

pub use crate::entity::{Entity, Kind};

use crate::entity::Event;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The three types the user help names (docs/visma-net.md#notification-types), and one for the
/// system's own events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationType {
    Action,
    Document,
    Entity,
    System,
}

/// One event of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// UPPER_SNAKE, as documented for sales orders, vouchers and background results. The other ids
    /// follow their pattern, since the exact ids are unknown (docs/visma-net.md#open-questions,
    /// question 2).
    pub id: &'static str,
    pub entity: Entity,
    pub kind: Kind,
}

impl EventType {
    pub fn notification_type(&self) -> NotificationType {
        match (self.kind, self.entity) {
            (Kind::Action, _) => NotificationType::Action,
            (_, Entity::BackgroundOperation | Entity::Company) => NotificationType::System,
            (_, entity) if entity.is_document() => NotificationType::Document,
            _ => NotificationType::Entity,
        }
    }

    /// The status in the event's own name, for example `Processing failed`. Only vouchers have one.
    pub fn implied_status(&self) -> Option<String> {
        if self.kind != Kind::Lifecycle {
            return None;
        }
        let words = match self.id.strip_prefix("VOUCHER_") {
            Some(step) => step.replace('_', " "),
            None => self.id.replace("_VOUCHER_", " "),
        };
        let mut status = words.to_lowercase();
        status[..1].make_ascii_uppercase();
        Some(status)
    }
}

/// Each event of docs/visma-net-events.md once, from the rows of the entities. A legacy event is
/// another name of one of them. The events with an assumed id come first, sorted. The others follow
/// in the order of the rows.
pub const CATALOGUE: &[EventType] = &in_order();

/// The number of events in all rows. A constant cannot use iterators.
const COUNT: usize = {
    let (mut count, mut row) = (0, 0);
    while row < Entity::ALL.len() {
        count += Entity::ALL[row].events().len();
        row += 1;
    }
    count
};

/// The events of all rows, in the order of [`CATALOGUE`].
const fn in_order() -> [EventType; COUNT] {
    let mut events = [EventType { id: "", entity: Entity::Unmapped, kind: Kind::Unknown }; COUNT];
    let (mut count, mut assumed, mut row) = (0, 0, 0);
    while row < Entity::ALL.len() {
        let (entity, mut nth) = (Entity::ALL[row], 0);
        while nth < entity.events().len() {
            let Event { id, kind, is_assumed } = entity.events()[nth];
            let mut at = count;
            while is_assumed && at > 0 && (at > assumed || is_before(id, events[at - 1].id)) {
                events[at] = events[at - 1];
                at -= 1;
            }
            events[at] = EventType { id, entity, kind };
            count += 1;
            if is_assumed {
                assumed += 1;
            }
            nth += 1;
        }
        row += 1;
    }
    events
}

/// `one < other`, which is not possible in a constant.
const fn is_before(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

/// Names that do not normalise to the id of their event: those of the legacy channel
/// (docs/visma-net.md#legacy-events) and the portal's title of the background event.
const ALIASES: &[(&str, &str)] = &[
    ("customerinvoice_changed", "AR_INVOICE_CHANGED"),
    ("supplierinvoice_status_changed", "AP_INVOICE_STATUS_CHANGED"),
    ("Background API Operation Response Ready", "BACKGROUND_API_RESPONSE"),
];

static BY_NAME: LazyLock<HashMap<String, &'static EventType>> = LazyLock::new(|| {
    let ids = CATALOGUE.iter().map(|event| (normalise(event.id), event));
    let aliases = ALIASES.iter().filter_map(|(alias, id)| {
        let event = CATALOGUE.iter().find(|event| event.id == *id)?;
        Some((normalise(alias), event))
    });
    ids.chain(aliases).collect()
});

/// Finds an event by any spelling of its name. Ignores case, spaces, `_`, `-`, `.` and `:`.
pub fn find(name: &str) -> Option<&'static EventType> {
    BY_NAME.get(&normalise(name)).copied()
}

/// The letters and digits of a name, in lower case. Two spellings of one name become equal.
pub fn normalise(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Identification;
    use std::collections::HashSet;

    #[test]
    fn has_the_events_of_all_rows_with_the_assumed_ids_sorted_at_the_beginning() {
        let events_of = |entity: Entity| {
            let events = entity.events().iter();
            events.map(move |event| (event.is_assumed, EventType { id: event.id, entity, kind: event.kind }))
        };
        let rows = Entity::ALL.into_iter().flat_map(events_of);
        let (mut assumed, documented): (Vec<_>, Vec<_>) = rows.partition(|(is_assumed, _)| *is_assumed);
        assumed.sort_by_key(|(_, event)| event.id);
        assert!(!assumed.is_empty() && !documented.is_empty());
        let expected: Vec<_> = assumed.into_iter().chain(documented).map(|(_, event)| event).collect();
        assert_eq!(CATALOGUE, expected);
    }

    #[test]
    fn an_id_comes_before_a_longer_one_and_not_before_itself() {
        assert!(is_before("A", "AB") && is_before("AB", "B"));
        assert!(!is_before("AB", "A") && !is_before("B", "AB") && !is_before("A", "A"));
    }

    #[test]
    fn no_two_events_share_a_name() {
        let names: HashSet<_> = CATALOGUE.iter().map(|event| normalise(event.id)).collect();
        // "Sales Order ..." of Financial and "SALESORDER_..." of the service normalise alike but
        // never to the same name.
        assert_eq!(names.len(), CATALOGUE.len());
    }

    #[test]
    fn spelling_does_not_matter() {
        for name in [
            "ACCOUNT_IDENTITY_CHANGED",
            "Account Identity Changed",
            "account-identity-changed",
            "AccountIdentityChanged",
        ] {
            assert_eq!(find(name).map(|event| event.id), Some("ACCOUNT_IDENTITY_CHANGED"), "{name}");
        }
        assert_eq!(find("PM Project PMTask Updated").map(|event| event.entity), Some(Entity::Project));
        assert_eq!(find("no_such_event"), None);
    }

    #[test]
    fn every_legacy_event_is_known() {
        for (name, entity) in [
            ("customer_changed", Entity::Customer),
            ("supplier_changed", Entity::Supplier),
            ("inventoryitem_changed", Entity::InventoryItem),
            ("salesorder_changed", Entity::SalesOrder),
            ("customerinvoice_changed", Entity::CustomerInvoice),
            ("purchaseorder_changed", Entity::PurchaseOrder),
            ("shipment_changed", Entity::Shipment),
            ("employee_changed", Entity::Employee),
            ("project_changed", Entity::Project),
            ("account_changed", Entity::Account),
        ] {
            let event = find(name).unwrap_or_else(|| panic!("{name} is unknown"));
            assert_eq!((event.entity, event.kind), (entity, Kind::Changed), "{name}");
        }
    }

    #[test]
    fn a_voucher_event_states_its_status() {
        let status = |id| find(id).unwrap().implied_status();
        assert_eq!(status("VOUCHER_PROCESSING_FAILED").as_deref(), Some("Processing failed"));
        assert_eq!(status("IMPORT_VOUCHER_SUCCESSFUL").as_deref(), Some("Import successful"));
        assert_eq!(status("ACCOUNT_CHANGED"), None);
    }

    #[test]
    fn each_event_has_its_type_of_the_user_help() {
        let of = |id| find(id).unwrap().notification_type();
        assert_eq!(of("CUSTOMER_CREATED"), NotificationType::Entity);
        assert_eq!(of("SHIPMENT_STATUS_CHANGED"), NotificationType::Document);
        assert_eq!(of("SUPPLIER_ACTION_TRIGGERED"), NotificationType::Action);
        assert_eq!(of("BACKGROUND_API_RESPONSE"), NotificationType::System);
    }

    #[test]
    fn a_newer_event_replaces_only_a_hint() {
        let hints: HashSet<_> = CATALOGUE.iter().map(|event| event.kind).filter(|kind| kind.is_hint()).collect();
        assert_eq!(hints, HashSet::from([Kind::Changed, Kind::Updated, Kind::StatusChanged, Kind::ValueChanged]));
    }

    #[test]
    fn only_an_event_about_the_company_needs_no_key() {
        let without = CATALOGUE.iter().filter(|e| e.entity.identification() == Identification::Company);
        assert_eq!(without.map(|event| event.id).collect::<Vec<_>>(), ["FIRST_TIME_STARTUP_COMPLETED"]);
    }

    #[test]
    fn names_in_json_are_the_names_in_text() {
        for event in CATALOGUE {
            assert_eq!(serde_json::to_value(event.entity).unwrap(), event.entity.as_str());
            assert_eq!(serde_json::to_value(event.kind).unwrap(), event.kind.as_str());
        }
    }
}
