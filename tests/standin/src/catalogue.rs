//! All events that Visma Net is known to publish (docs/visma-net.md#event-catalogue,
//! docs/visma-net.md#legacy-events).

use serde::Serialize;

use crate::collection::Collection::{self, *};

/// What happened, according to the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Created,
    Updated,
    /// Created or updated.
    Changed,
    Deleted,
    /// The visible number changed, the internal id did not.
    IdentityChanged,
    StatusChanged,
    /// A customised action was used.
    Action,
    ValueChanged,
    TaskUpdated,
    Completed,
    BackgroundResponse,
    Voucher,
}

/// The publisher of an event in the portal (docs/visma-net.md#subscriptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Publisher {
    #[serde(rename = "vismanetfinancials-publisher")]
    Financial,
    #[serde(rename = "visma.net.erp.salesorderservice-publisher")]
    SalesOrderService,
    /// Its technical name is unknown.
    #[serde(rename = "journaltransaction")]
    JournalTransaction,
    /// integration.visma.net, not a publisher of the portal.
    #[serde(rename = "legacy")]
    Legacy,
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The assumed value of `x-vwd-event-id`.
    pub id: &'static str,
    pub entity: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    pub publisher: Publisher,
    /// The collection of its resource, if it has one.
    pub collection: Option<Collection>,
}

type Row = (&'static str, &'static str, &'static str, Kind, Option<Collection>);

const fn of<const N: usize>(publisher: Publisher, rows: [Row; N]) -> [Event; N] {
    let first = rows[0];
    let blank = Event { id: first.0, entity: first.1, name: first.2, kind: first.3, publisher, collection: first.4 };
    let mut events = [blank; N];
    let mut at = 0;
    while at < N {
        let (id, entity, name, kind, collection) = rows[at];
        events[at] = Event { id, entity, name, kind, publisher, collection };
        at += 1;
    }
    events
}

#[rustfmt::skip]
static FINANCIAL: [Event; 44] = of(Publisher::Financial, [
    ("ACCOUNT_CHANGED", "Account", "Changed", Kind::Changed, Some(Account)),
    ("ACCOUNT_CREATED", "Account", "Created", Kind::Created, Some(Account)),
    ("ACCOUNT_DELETED", "Account", "Deleted", Kind::Deleted, Some(Account)),
    ("ACCOUNT_IDENTITY_CHANGED", "Account", "Identity Changed", Kind::IdentityChanged, Some(Account)),
    ("ACCOUNT_UPDATED", "Account", "Updated", Kind::Updated, Some(Account)),
    ("AP_INVOICE_STATUS_CHANGED", "AP Invoice", "Status Changed", Kind::StatusChanged, Some(SupplierInvoice)),
    ("AR_INVOICE_ACTION_TRIGGERED", "AR Invoice", "Action Triggered", Kind::Action, Some(CustomerInvoice)),
    ("AR_INVOICE_CHANGED", "AR Invoice", "Changed", Kind::Changed, Some(CustomerInvoice)),
    ("AR_INVOICE_STATUS_CHANGED", "AR Invoice", "Status Changed", Kind::StatusChanged, Some(CustomerInvoice)),
    ("CUSTOMER_ACTION_TRIGGERED", "Customer", "Action Triggered", Kind::Action, Some(Customer)),
    ("CUSTOMER_CHANGED", "Customer", "Changed", Kind::Changed, Some(Customer)),
    ("CUSTOMER_CREATED", "Customer", "Created", Kind::Created, Some(Customer)),
    ("CUSTOMER_UPDATED", "Customer", "Updated", Kind::Updated, Some(Customer)),
    ("DIMENSION_CHANGED", "Dimension", "Changed", Kind::Changed, Some(Dimension)),
    ("EMPLOYEE_CHANGED", "Employee", "Changed", Kind::Changed, Some(Employee)),
    ("EP_EMPLOYEE_CREATED", "EP Employee", "Created", Kind::Created, Some(Employee)),
    ("EP_EMPLOYEE_UPDATED", "EP Employee", "Updated", Kind::Updated, Some(Employee)),
    ("FIRST_TIME_STARTUP_COMPLETED", "First Time Startup", "Completed", Kind::Completed, None),
    ("INVENTORY_ITEM_ACTION_TRIGGERED", "Inventory Item", "Action Triggered", Kind::Action, Some(Inventory)),
    ("INVENTORY_ITEM_CHANGED", "Inventory Item", "Changed", Kind::Changed, Some(Inventory)),
    ("INVENTORY_ITEM_CREATED", "Inventory Item", "Created", Kind::Created, Some(Inventory)),
    ("INVENTORY_ITEM_UPDATED", "Inventory Item", "Updated", Kind::Updated, Some(Inventory)),
    ("PM_PROJECT_ACTION_TRIGGERED", "PM Project", "Action Triggered", Kind::Action, Some(Project)),
    ("PM_PROJECT_CREATED", "PM Project", "Created", Kind::Created, Some(Project)),
    ("PM_PROJECT_PMTASK_UPDATED", "PM Project", "PMTask Updated", Kind::TaskUpdated, Some(Project)),
    ("PM_PROJECT_UPDATED", "PM Project", "Updated", Kind::Updated, Some(Project)),
    ("PROJECT_CHANGED", "Project", "Changed", Kind::Changed, Some(Project)),
    ("PURCHASE_ORDER_ACTION_TRIGGERED", "Purchase Order", "Action Triggered", Kind::Action, Some(PurchaseOrder)),
    ("PURCHASE_ORDER_CHANGED", "Purchase Order", "Changed", Kind::Changed, Some(PurchaseOrder)),
    ("PURCHASE_ORDER_STATUS_CHANGED", "Purchase Order", "Status Changed", Kind::StatusChanged, Some(PurchaseOrder)),
    ("SALES_ORDER_ACTION_TRIGGERED", "Sales Order", "Action Triggered", Kind::Action, Some(SalesOrder)),
    ("SALES_ORDER_CHANGED", "Sales Order", "Changed", Kind::Changed, Some(SalesOrder)),
    ("SALES_ORDER_STATUS_CHANGED", "Sales Order", "Status Changed", Kind::StatusChanged, Some(SalesOrder)),
    ("SEGMENT_CHANGED", "Segment", "Changed", Kind::Changed, Some(Segment)),
    ("SEGMENT_VALUE_CHANGED", "Segment", "Value Changed", Kind::ValueChanged, Some(Segment)),
    ("SHIPMENT_ACTION_TRIGGERED", "Shipment", "Action Triggered", Kind::Action, Some(Shipment)),
    ("SHIPMENT_CHANGED", "Shipment", "Changed", Kind::Changed, Some(Shipment)),
    ("SHIPMENT_DELETED", "Shipment", "Deleted", Kind::Deleted, Some(Shipment)),
    ("SHIPMENT_STATUS_CHANGED", "Shipment", "Status Changed", Kind::StatusChanged, Some(Shipment)),
    ("SUPPLIER_ACTION_TRIGGERED", "Supplier", "Action Triggered", Kind::Action, Some(Supplier)),
    ("SUPPLIER_CHANGED", "Supplier", "Changed", Kind::Changed, Some(Supplier)),
    ("SUPPLIER_CREATED", "Supplier", "Created", Kind::Created, Some(Supplier)),
    ("SUPPLIER_UPDATED", "Supplier", "Updated", Kind::Updated, Some(Supplier)),
    ("BACKGROUND_API_RESPONSE", "Background API Operation", "Response Ready", Kind::BackgroundResponse, Some(Background)),
]);

#[rustfmt::skip]
static SALES_ORDER_SERVICE: [Event; 4] = of(Publisher::SalesOrderService, [
    ("SALESORDER_CREATED", "Sales Order", "Created", Kind::Created, Some(SalesOrderV3)),
    ("SALESORDER_UPDATED", "Sales Order", "Updated", Kind::Updated, Some(SalesOrderV3)),
    ("SALESORDER_DELETED", "Sales Order", "Deleted", Kind::Deleted, Some(SalesOrderV3)),
    ("SALESORDER_UI_CUSTOMACTION", "Sales Order", "UI Custom Action", Kind::Action, Some(SalesOrderV3)),
]);

#[rustfmt::skip]
static JOURNAL_TRANSACTION: [Event; 10] = of(Publisher::JournalTransaction, [
    ("IMPORT_VOUCHER_FAILED", "Voucher", "Import Failed", Kind::Voucher, None),
    ("IMPORT_VOUCHER_SUCCESSFUL", "Voucher", "Import Successful", Kind::Voucher, None),
    ("VOUCHER_RECEIVED", "Voucher", "Received", Kind::Voucher, None),
    ("VOUCHER_PROCESSED", "Voucher", "Processed", Kind::Voucher, None),
    ("VOUCHER_PROCESSING_FAILED", "Voucher", "Processing Failed", Kind::Voucher, None),
    ("VOUCHER_SYNCHRONIZATION_STARTED", "Voucher", "Synchronization Started", Kind::Voucher, None),
    ("VOUCHER_SYNCHRONIZED", "Voucher", "Synchronized", Kind::Voucher, None),
    ("VOUCHER_SYNCHRONIZATION_FAILED", "Voucher", "Synchronization Failed", Kind::Voucher, None),
    ("VOUCHER_DOCUMENT_SYNCHRONIZED", "Voucher", "Document Synchronized", Kind::Voucher, None),
    ("VOUCHER_DOCUMENT_SYNCHRONIZATION_FAILED", "Voucher", "Document Synchronization Failed", Kind::Voucher, None),
]);

#[rustfmt::skip]
static LEGACY: [Event; 10] = of(Publisher::Legacy, [
    ("customer_changed", "Customer", "Changed", Kind::Changed, Some(Customer)),
    ("supplier_changed", "Supplier", "Changed", Kind::Changed, Some(Supplier)),
    ("inventoryitem_changed", "Inventory Item", "Changed", Kind::Changed, Some(Inventory)),
    ("salesorder_changed", "Sales Order", "Changed", Kind::StatusChanged, Some(SalesOrder)),
    ("customerinvoice_changed", "AR Invoice", "Changed", Kind::StatusChanged, Some(CustomerInvoice)),
    ("purchaseorder_changed", "Purchase Order", "Changed", Kind::StatusChanged, Some(PurchaseOrder)),
    ("shipment_changed", "Shipment", "Changed", Kind::StatusChanged, Some(Shipment)),
    ("employee_changed", "Employee", "Changed", Kind::Changed, Some(Employee)),
    ("project_changed", "Project", "Changed", Kind::Changed, Some(Project)),
    ("account_changed", "Account", "Changed", Kind::Changed, Some(Account)),
]);

/// All events, publisher by publisher.
pub fn events() -> impl Iterator<Item = &'static Event> {
    FINANCIAL.iter().chain(&SALES_ORDER_SERVICE).chain(&JOURNAL_TRANSACTION).chain(&LEGACY)
}

/// The event with exactly this id. Ids of the dispatcher and of legacy messages differ only in
/// case.
pub fn find(id: &str) -> Option<&'static Event> {
    events().find(|event| event.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalogue_is_complete_and_ids_are_unique() {
        let ids: BTreeSet<_> = events().map(|event| event.id).collect();
        assert_eq!(ids.len(), 44 + 4 + 10 + 10);
        let entities: BTreeSet<_> = FINANCIAL.iter().map(|event| event.entity).collect();
        assert_eq!(entities.len(), 17);
    }

    #[test]
    fn deletes_exist_for_three_entities_only() {
        let deletes: Vec<_> = events().filter(|event| event.kind == Kind::Deleted).collect();
        let ids: Vec<_> = deletes.iter().map(|event| event.id).collect();
        assert_eq!(ids, ["ACCOUNT_DELETED", "SHIPMENT_DELETED", "SALESORDER_DELETED"]);
    }
}
