//! The lists of the ERP that tell what changed (reference 4.3, 4.4), and what stands in them.

use crate::catalogue::Entity;
use crate::clock::{Clock, Stamp};
use crate::fields::Fields;
use crate::head::EntityId;
use crate::resource_path::{Api, ResourcePath};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// A list that can be asked for what changed since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    Account,
    Customer,
    CustomerInvoice,
    Employee,
    Inventory,
    Project,
    PurchaseOrder,
    SalesOrder,
    Shipment,
    Supplier,
}

/// How a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Everything comes in one answer: accounts.
    None,
    /// `pageNumber` from 1, `pageSize`.
    FromOne,
    /// `pageIndex` from 0, `pageSize`; `modifiedSince` instead of the two filter parameters: version 3.
    FromZero,
}

/// One resource in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub modified: Stamp,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What could be read: resources with a key and a time.
    pub resources: Vec<Listed>,
    /// How many stood in the answer.
    pub length: usize,
    /// How many there are in all pages, where the answer says so.
    pub total: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list is no JSON array of objects")]
pub struct NotAList;

impl Collection {
    pub const ALL: [Self; 10] = [
        Self::Account,
        Self::Customer,
        Self::CustomerInvoice,
        Self::Employee,
        Self::Inventory,
        Self::Project,
        Self::PurchaseOrder,
        Self::SalesOrder,
        Self::Shipment,
        Self::Supplier,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Customer => "customer",
            Self::CustomerInvoice => "customer_invoice",
            Self::Employee => "employee",
            Self::Inventory => "inventory",
            Self::Project => "project",
            Self::PurchaseOrder => "purchase_order",
            Self::SalesOrder => "sales_order",
            Self::Shipment => "shipment",
            Self::Supplier => "supplier",
        }
    }

    /// Below the base URL of [`Collection::api`].
    pub fn path(self) -> &'static str {
        match self {
            Self::Account => "v1/account",
            Self::Customer => "v1/customer",
            Self::CustomerInvoice => "v1/customerinvoice",
            Self::Employee => "v1/employee",
            Self::Inventory => "v1/inventory",
            Self::Project => "v1/project",
            Self::PurchaseOrder => "v1/purchaseorder",
            Self::SalesOrder => "api/v3/SalesOrders",
            Self::Shipment => "v1/shipment",
            Self::Supplier => "v1/supplier",
        }
    }

    pub fn api(self) -> Api {
        if self == Self::SalesOrder { Api::SalesOrder } else { Api::Finance }
    }

    pub fn paging(self) -> Paging {
        match self {
            Self::Account => Paging::None,
            Self::SalesOrder => Paging::FromZero,
            _ => Paging::FromOne,
        }
    }

    pub fn entity(self) -> Entity {
        match self {
            Self::Account => Entity::Account,
            Self::Customer => Entity::Customer,
            Self::CustomerInvoice => Entity::CustomerInvoice,
            Self::Employee => Entity::Employee,
            Self::Inventory => Entity::InventoryItem,
            Self::Project => Entity::Project,
            Self::PurchaseOrder => Entity::PurchaseOrder,
            Self::SalesOrder => Entity::SalesOrder,
            Self::Shipment => Entity::Shipment,
            Self::Supplier => Entity::Supplier,
        }
    }

    /// The catalogue's event that says no more than that something changed.
    pub fn event(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT_CHANGED",
            Self::Customer => "CUSTOMER_CHANGED",
            Self::CustomerInvoice => "AR_INVOICE_CHANGED",
            Self::Employee => "EMPLOYEE_CHANGED",
            Self::Inventory => "INVENTORY_ITEM_CHANGED",
            Self::Project => "PROJECT_CHANGED",
            Self::PurchaseOrder => "PURCHASE_ORDER_CHANGED",
            Self::SalesOrder => "SALESORDER_UPDATED",
            Self::Shipment => "SHIPMENT_CHANGED",
            Self::Supplier => "SUPPLIER_CHANGED",
        }
    }

    pub fn entity_id(self, tenant: &str, key: &str) -> EntityId {
        EntityId { tenant: tenant.to_owned(), entity: self.entity(), key: key.to_owned() }
    }

    /// Times without a zone are read by `clock`.
    ///
    /// # Errors
    /// The answer is something other than a list.
    pub fn parse(self, json: &str, clock: &Clock) -> Result<Page, NotAList> {
        let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| NotAList)?;
        let objects: Vec<Fields<'_>> =
            elements.iter().map(|element| Fields::parse(element.get()).ok_or(NotAList)).collect::<Result<_, _>>()?;
        let total = objects.first().and_then(|fields| {
            let metadata = Fields::parse(fields.raw("metadata")?.get())?;
            metadata.text(&["totalCount"])?.parse().ok()
        });
        let resources = objects.iter().filter_map(|fields| self.listed(fields, clock)).collect();
        Ok(Page { resources, length: objects.len(), total })
    }

    fn listed(self, fields: &Fields<'_>, clock: &Clock) -> Option<Listed> {
        let key = match self {
            Self::SalesOrder => {
                let order_type = fields.text(&["type", "orderType"])?;
                format!("{order_type}/{}", fields.text(&["orderId", "orderNumber"])?)
            }
            _ => fields.text(self.key_fields())?,
        };
        // What could not be fetched by its key could not be processed either.
        ResourcePath::for_entity(self.entity(), &key)?;
        let modified = fields.text(&["lastModifiedDateTime", "lastModified"])?;
        Some(Listed { key, modified: clock.read(&modified)? })
    }

    fn key_fields(self) -> &'static [&'static str] {
        match self {
            Self::Account => &["accountCD"],
            Self::Customer | Self::Supplier => &["number"],
            Self::CustomerInvoice => &["referenceNumber", "invoiceNumber"],
            Self::Employee => &["employeeNumber", "employeeCd"],
            Self::Inventory => &["inventoryNumber"],
            Self::Project => &["projectID"],
            Self::PurchaseOrder => &["orderNbr", "orderNumber"],
            Self::SalesOrder => &[],
            Self::Shipment => &["shipmentNumber", "shipmentNbr"],
        }
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::ticks::Ticks;
    use crate::zone::Zone;
    use time::macros::datetime;

    fn clock() -> Clock {
        Clock::new(Zone::UTC, datetime!(2026-11-23 12:00 UTC))
    }

    #[test]
    fn each_collection_names_an_event_of_its_entity() {
        for collection in Collection::ALL {
            let event = catalogue::find(collection.event()).unwrap();
            assert_eq!(event.entity, collection.entity(), "{collection}");
            assert!(event.kind.is_hint(), "{collection}");
            assert_eq!(serde_json::to_value(collection).unwrap(), collection.as_str());
            assert_eq!(collection.to_string(), collection.as_str());
        }
    }

    #[test]
    fn a_resource_lies_below_its_list() {
        for collection in Collection::ALL {
            let key = if collection == Collection::SalesOrder { "SO/1" } else { "1" };
            let resource = ResourcePath::for_entity(collection.entity(), key).unwrap();
            assert_eq!(resource.to_string(), format!("{}/{key}", collection.path()));
            assert_eq!(resource.api(), collection.api(), "{collection}");
        }
    }

    #[test]
    fn accounts_come_in_one_answer_and_only_version_three_counts_its_pages_from_zero() {
        for collection in Collection::ALL {
            let expected = match (collection, collection.api()) {
                (Collection::Account, _) => Paging::None,
                (_, Api::SalesOrder) => Paging::FromZero,
                (_, Api::Finance) => Paging::FromOne,
            };
            assert_eq!(collection.paging(), expected, "{collection}");
        }
    }

    #[test]
    fn a_page_is_read_with_its_total() {
        let page = Collection::Customer
            .parse(
                r#"[{"number":"10001","lastModifiedDateTime":"2026-11-23T12:00:00.123","metadata":{"totalCount":7,"maxPageSize":2}},
                    {"number":"10002"}]"#,
                &clock(),
            )
            .unwrap();
        let modified = Ticks::from_datetime(datetime!(2026-11-23 12:00:00.123 UTC)).into();
        assert_eq!(page.resources, [Listed { key: "10001".into(), modified }]);
        assert_eq!((page.length, page.total), (2, Some(7)));
    }

    #[test]
    fn a_sales_order_is_keyed_by_type_and_number() {
        let page = Collection::SalesOrder
            .parse(r#"[{"type":"SO","orderId":"42","lastModified":"2026-11-23T12:00:00Z"}]"#, &clock());
        assert_eq!(page.unwrap().resources[0].key, "SO/42");
    }

    #[test]
    fn anything_but_a_list_of_objects_is_refused() {
        for json in ["{}", "[5]", "<html>", ""] {
            assert_eq!(Collection::Account.parse(json, &clock()), Err(NotAList), "{json}");
        }
    }
}
