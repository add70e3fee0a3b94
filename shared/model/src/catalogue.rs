//! All events that Visma Net documents (docs/visma-net.md#event-catalogue), and the search for one
//! by its name.

pub use crate::entity::Entity;

use crate::words::words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

words! {
    /// What happened to the entity (docs/visma-net.md#event-catalogue).
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

/// The application of the Developer Portal that sends an event (docs/visma-net.md#subscriptions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publisher {
    Financial,
    SalesOrderService,
    JournalTransactions,
}

/// One event of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// UPPER_SNAKE, as documented for sales orders, vouchers and background results. The other ids
    /// follow their pattern, since the exact ids are unknown (docs/visma-net.md#open-questions,
    /// question 2).
    pub id: &'static str,
    pub publisher: Publisher,
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

const fn event(id: &'static str, publisher: Publisher, entity: Entity, kind: Kind) -> EventType {
    EventType { id, publisher, entity, kind }
}

const fn financial(id: &'static str, entity: Entity, kind: Kind) -> EventType {
    event(id, Publisher::Financial, entity, kind)
}

const fn sales_order(id: &'static str, kind: Kind) -> EventType {
    event(id, Publisher::SalesOrderService, Entity::SalesOrder, kind)
}

const fn voucher(id: &'static str) -> EventType {
    event(id, Publisher::JournalTransactions, Entity::Voucher, Kind::Lifecycle)
}

/// The whole of docs/visma-net.md#event-catalogue: 44 events of Visma Net Financial, 4 of the sales
/// order service, 10 of journal transactions.
pub const CATALOGUE: &[EventType] = &[
    financial("ACCOUNT_CHANGED", Entity::Account, Kind::Changed),
    financial("ACCOUNT_CREATED", Entity::Account, Kind::Created),
    financial("ACCOUNT_DELETED", Entity::Account, Kind::Deleted),
    financial("ACCOUNT_IDENTITY_CHANGED", Entity::Account, Kind::IdentityChanged),
    financial("ACCOUNT_UPDATED", Entity::Account, Kind::Updated),
    financial("AP_INVOICE_STATUS_CHANGED", Entity::SupplierInvoice, Kind::StatusChanged),
    financial("AR_INVOICE_ACTION_TRIGGERED", Entity::CustomerInvoice, Kind::Action),
    financial("AR_INVOICE_CHANGED", Entity::CustomerInvoice, Kind::Changed),
    financial("AR_INVOICE_STATUS_CHANGED", Entity::CustomerInvoice, Kind::StatusChanged),
    financial("CUSTOMER_ACTION_TRIGGERED", Entity::Customer, Kind::Action),
    financial("CUSTOMER_CHANGED", Entity::Customer, Kind::Changed),
    financial("CUSTOMER_CREATED", Entity::Customer, Kind::Created),
    financial("CUSTOMER_UPDATED", Entity::Customer, Kind::Updated),
    financial("DIMENSION_CHANGED", Entity::Dimension, Kind::Changed),
    financial("EMPLOYEE_CHANGED", Entity::Employee, Kind::Changed),
    financial("EP_EMPLOYEE_CREATED", Entity::Employee, Kind::Created),
    financial("EP_EMPLOYEE_UPDATED", Entity::Employee, Kind::Updated),
    financial("FIRST_TIME_STARTUP_COMPLETED", Entity::Company, Kind::Completed),
    financial("INVENTORY_ITEM_ACTION_TRIGGERED", Entity::InventoryItem, Kind::Action),
    financial("INVENTORY_ITEM_CHANGED", Entity::InventoryItem, Kind::Changed),
    financial("INVENTORY_ITEM_CREATED", Entity::InventoryItem, Kind::Created),
    financial("INVENTORY_ITEM_UPDATED", Entity::InventoryItem, Kind::Updated),
    financial("PM_PROJECT_ACTION_TRIGGERED", Entity::Project, Kind::Action),
    financial("PM_PROJECT_CREATED", Entity::Project, Kind::Created),
    financial("PM_PROJECT_PMTASK_UPDATED", Entity::Project, Kind::Updated),
    financial("PM_PROJECT_UPDATED", Entity::Project, Kind::Updated),
    financial("PROJECT_CHANGED", Entity::Project, Kind::Changed),
    financial("PURCHASE_ORDER_ACTION_TRIGGERED", Entity::PurchaseOrder, Kind::Action),
    financial("PURCHASE_ORDER_CHANGED", Entity::PurchaseOrder, Kind::Changed),
    financial("PURCHASE_ORDER_STATUS_CHANGED", Entity::PurchaseOrder, Kind::StatusChanged),
    financial("SALES_ORDER_ACTION_TRIGGERED", Entity::SalesOrder, Kind::Action),
    financial("SALES_ORDER_CHANGED", Entity::SalesOrder, Kind::Changed),
    financial("SALES_ORDER_STATUS_CHANGED", Entity::SalesOrder, Kind::StatusChanged),
    financial("SEGMENT_CHANGED", Entity::Segment, Kind::Changed),
    financial("SEGMENT_VALUE_CHANGED", Entity::Segment, Kind::ValueChanged),
    financial("SHIPMENT_ACTION_TRIGGERED", Entity::Shipment, Kind::Action),
    financial("SHIPMENT_CHANGED", Entity::Shipment, Kind::Changed),
    financial("SHIPMENT_DELETED", Entity::Shipment, Kind::Deleted),
    financial("SHIPMENT_STATUS_CHANGED", Entity::Shipment, Kind::StatusChanged),
    financial("SUPPLIER_ACTION_TRIGGERED", Entity::Supplier, Kind::Action),
    financial("SUPPLIER_CHANGED", Entity::Supplier, Kind::Changed),
    financial("SUPPLIER_CREATED", Entity::Supplier, Kind::Created),
    financial("SUPPLIER_UPDATED", Entity::Supplier, Kind::Updated),
    financial("BACKGROUND_API_RESPONSE", Entity::BackgroundOperation, Kind::Background),
    sales_order("SALESORDER_CREATED", Kind::Created),
    sales_order("SALESORDER_UPDATED", Kind::Updated),
    sales_order("SALESORDER_DELETED", Kind::Deleted),
    sales_order("SALESORDER_UI_CUSTOMACTION", Kind::Action),
    voucher("IMPORT_VOUCHER_FAILED"),
    voucher("IMPORT_VOUCHER_SUCCESSFUL"),
    voucher("VOUCHER_RECEIVED"),
    voucher("VOUCHER_PROCESSED"),
    voucher("VOUCHER_PROCESSING_FAILED"),
    voucher("VOUCHER_SYNCHRONIZATION_STARTED"),
    voucher("VOUCHER_SYNCHRONIZED"),
    voucher("VOUCHER_SYNCHRONIZATION_FAILED"),
    voucher("VOUCHER_DOCUMENT_SYNCHRONIZED"),
    voucher("VOUCHER_DOCUMENT_SYNCHRONIZATION_FAILED"),
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
    fn has_every_documented_event_once() {
        let of = |publisher| CATALOGUE.iter().filter(|event| event.publisher == publisher).count();
        assert_eq!(of(Publisher::Financial), 44);
        assert_eq!(of(Publisher::SalesOrderService), 4);
        assert_eq!(of(Publisher::JournalTransactions), 10);
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
