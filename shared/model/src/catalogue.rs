//! All events that Visma Net documents (docs/visma-net-events.md), and the search for one by its
//! name.

pub use crate::entity::Entity;

use crate::words::words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

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

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

const fn event(id: &'static str, entity: Entity, kind: Kind) -> EventType {
    EventType { id, entity, kind }
}

/// Each event of docs/visma-net-events.md once. A legacy event is another name of one of them.
pub const CATALOGUE: &[EventType] = &[
    event("ACCOUNT_CHANGED", Entity::Account, Kind::Changed),
    event("ACCOUNT_CREATED", Entity::Account, Kind::Created),
    event("ACCOUNT_DELETED", Entity::Account, Kind::Deleted),
    event("ACCOUNT_IDENTITY_CHANGED", Entity::Account, Kind::IdentityChanged),
    event("ACCOUNT_UPDATED", Entity::Account, Kind::Updated),
    event("AP_INVOICE_STATUS_CHANGED", Entity::SupplierInvoice, Kind::StatusChanged),
    event("AR_INVOICE_ACTION_TRIGGERED", Entity::CustomerInvoice, Kind::Action),
    event("AR_INVOICE_CHANGED", Entity::CustomerInvoice, Kind::Changed),
    event("AR_INVOICE_STATUS_CHANGED", Entity::CustomerInvoice, Kind::StatusChanged),
    event("CUSTOMER_ACTION_TRIGGERED", Entity::Customer, Kind::Action),
    event("CUSTOMER_CHANGED", Entity::Customer, Kind::Changed),
    event("CUSTOMER_CREATED", Entity::Customer, Kind::Created),
    event("CUSTOMER_UPDATED", Entity::Customer, Kind::Updated),
    event("DIMENSION_CHANGED", Entity::Dimension, Kind::Changed),
    event("EMPLOYEE_CHANGED", Entity::Employee, Kind::Changed),
    event("EP_EMPLOYEE_CREATED", Entity::Employee, Kind::Created),
    event("EP_EMPLOYEE_UPDATED", Entity::Employee, Kind::Updated),
    event("FIRST_TIME_STARTUP_COMPLETED", Entity::Company, Kind::Completed),
    event("INVENTORY_ITEM_ACTION_TRIGGERED", Entity::InventoryItem, Kind::Action),
    event("INVENTORY_ITEM_CHANGED", Entity::InventoryItem, Kind::Changed),
    event("INVENTORY_ITEM_CREATED", Entity::InventoryItem, Kind::Created),
    event("INVENTORY_ITEM_UPDATED", Entity::InventoryItem, Kind::Updated),
    event("PM_PROJECT_ACTION_TRIGGERED", Entity::Project, Kind::Action),
    event("PM_PROJECT_CREATED", Entity::Project, Kind::Created),
    event("PM_PROJECT_PMTASK_UPDATED", Entity::Project, Kind::Updated),
    event("PM_PROJECT_UPDATED", Entity::Project, Kind::Updated),
    event("PROJECT_CHANGED", Entity::Project, Kind::Changed),
    event("PURCHASE_ORDER_ACTION_TRIGGERED", Entity::PurchaseOrder, Kind::Action),
    event("PURCHASE_ORDER_CHANGED", Entity::PurchaseOrder, Kind::Changed),
    event("PURCHASE_ORDER_STATUS_CHANGED", Entity::PurchaseOrder, Kind::StatusChanged),
    event("SALES_ORDER_ACTION_TRIGGERED", Entity::SalesOrder, Kind::Action),
    event("SALES_ORDER_CHANGED", Entity::SalesOrder, Kind::Changed),
    event("SALES_ORDER_STATUS_CHANGED", Entity::SalesOrder, Kind::StatusChanged),
    event("SEGMENT_CHANGED", Entity::Segment, Kind::Changed),
    event("SEGMENT_VALUE_CHANGED", Entity::Segment, Kind::ValueChanged),
    event("SHIPMENT_ACTION_TRIGGERED", Entity::Shipment, Kind::Action),
    event("SHIPMENT_CHANGED", Entity::Shipment, Kind::Changed),
    event("SHIPMENT_DELETED", Entity::Shipment, Kind::Deleted),
    event("SHIPMENT_STATUS_CHANGED", Entity::Shipment, Kind::StatusChanged),
    event("SUPPLIER_ACTION_TRIGGERED", Entity::Supplier, Kind::Action),
    event("SUPPLIER_CHANGED", Entity::Supplier, Kind::Changed),
    event("SUPPLIER_CREATED", Entity::Supplier, Kind::Created),
    event("SUPPLIER_UPDATED", Entity::Supplier, Kind::Updated),
    event("BACKGROUND_API_RESPONSE", Entity::BackgroundOperation, Kind::Background),
    event("SALESORDER_CREATED", Entity::SalesOrder, Kind::Created),
    event("SALESORDER_UPDATED", Entity::SalesOrder, Kind::Updated),
    event("SALESORDER_DELETED", Entity::SalesOrder, Kind::Deleted),
    event("SALESORDER_UI_CUSTOMACTION", Entity::SalesOrder, Kind::Action),
    event("IMPORT_VOUCHER_FAILED", Entity::Voucher, Kind::Lifecycle),
    event("IMPORT_VOUCHER_SUCCESSFUL", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_RECEIVED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_PROCESSED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_PROCESSING_FAILED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_SYNCHRONIZATION_STARTED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_SYNCHRONIZED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_SYNCHRONIZATION_FAILED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_DOCUMENT_SYNCHRONIZED", Entity::Voucher, Kind::Lifecycle),
    event("VOUCHER_DOCUMENT_SYNCHRONIZATION_FAILED", Entity::Voucher, Kind::Lifecycle),
];

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

pub(crate) fn normalise(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Identification;
    use std::collections::HashSet;

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
