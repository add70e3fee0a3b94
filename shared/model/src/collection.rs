//! The lists of the ERP that show changes (docs/visma-net.md#resources, docs/visma-net.md#lists),
//! and their rows.

use crate::catalogue::Entity;
use crate::clock::{Clock, Stamp};
use crate::fields::Fields;
use crate::head::EntityId;
use crate::resource_path::{Api, ResourcePath};
use crate::revision::{self, Revision};
use crate::words::words;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

words! {
    /// A list that can be filtered by the time of modification.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Collection {
        Account = "account",
        Customer = "customer",
        CustomerInvoice = "customer_invoice",
        Employee = "employee",
        Inventory = "inventory",
        Project = "project",
        PurchaseOrder = "purchase_order",
        SalesOrder = "sales_order",
        Shipment = "shipment",
        Supplier = "supplier",
    }
}

/// How a list is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// One answer has all rows: accounts.
    None,
    /// `pageNumber` from 1, `pageSize`.
    FromOne,
    /// Version 3: `pageIndex` from 0, `pageSize`, `orderBy`, and `modifiedSince` instead of the two
    /// filter parameters.
    FromZero,
}

/// One resource in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub modified: Stamp,
    /// Version 3's rows have no row version, and fewer fields than the resource itself
    /// (docs/visma-net.md#sales-orders-version-3).
    pub revision: Revision,
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    Read(Listed),
    /// No key, or one that is too long or makes no path, so it could not be fetched.
    NoKey,
    /// No time of modification, or one that cannot be read or cannot be right.
    NoTime {
        key: String,
    },
}

impl Row {
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Read(listed) => Some(&listed.key),
            Self::NoTime { key } => Some(key),
            Self::NoKey => None,
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// All rows of the answer, in its order.
    pub rows: Vec<Row>,
    /// The number of rows on all pages, if the answer has it.
    pub total: Option<usize>,
    /// Whether the answer names a next page; `None` for lists that never do.
    pub more: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list is no JSON array, and no object with one in `value`")]
pub struct NotAList;

/// A bare array, or `{value, nextPage, totalCount}` (docs/visma-net.md#sales-orders-version-3).
struct Outer<'a> {
    rows: &'a str,
    total: Option<usize>,
    more: Option<bool>,
}

impl<'a> Outer<'a> {
    fn read(json: &'a str) -> Option<Self> {
        let Some(envelope) = Fields::parse(json) else {
            return Some(Self { rows: json, total: None, more: None });
        };
        let total = envelope.text(&["totalCount"]).and_then(|total| total.parse().ok());
        let more = envelope.raw("nextPage").map(|_| envelope.text(&["nextPage"]).is_some());
        Some(Self { rows: envelope.raw("value")?.get(), total, more })
    }
}

impl Collection {
    /// The path below the base URL of [`Collection::api`].
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

    /// The catalogue's event for an unspecified change.
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

    /// `clock` reads times without a zone.
    ///
    /// # Errors
    /// The answer is not a list.
    pub fn read_page(self, json: &str, clock: &Clock) -> Result<Page, NotAList> {
        let outer = Outer::read(json).ok_or(NotAList)?;
        let elements: Vec<&RawValue> = serde_json::from_str(outer.rows).map_err(|_| NotAList)?;
        let objects: Vec<Option<Fields<'_>>> = elements.iter().map(|element| Fields::parse(element.get())).collect();
        let told = objects.iter().flatten().find_map(|fields| {
            let metadata = Fields::parse(fields.raw("metadata")?.get())?;
            metadata.text(&["totalCount"])?.parse().ok()
        });
        let rows = objects.iter().map(|fields| fields.as_ref().map_or(Row::NoKey, |fields| self.row(fields, clock)));
        let rows: Vec<Row> = rows.collect();
        // A count that was never set is 0 in .NET. It would end the list after its first page.
        let total = outer.total.or(told).filter(|total| *total >= rows.len());
        Ok(Page { rows, total, more: outer.more })
    }

    fn row(self, fields: &Fields<'_>, clock: &Clock) -> Row {
        let Some(key) = self.key(fields) else { return Row::NoKey };
        match revision::modified(fields, clock) {
            Some(modified) => Row::Read(Listed { key, modified, revision: Revision::read(fields) }),
            None => Row::NoTime { key },
        }
    }

    fn key(self, fields: &Fields<'_>) -> Option<String> {
        let key = match self {
            Self::SalesOrder => {
                let order_type = fields.text(&["type", "orderType"])?;
                format!("{order_type}/{}", fields.text(&["orderId", "orderNumber"])?)
            }
            _ => fields.text(self.key_fields())?,
        };
        // A key without a path could not be fetched, and so not processed.
        ResourcePath::for_entity(self.entity(), &key).map(|_| key)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::ticks::Ticks;
    use crate::zone::Zone;
    use time::macros::datetime;

    fn clock() -> Clock {
        Clock::new(Zone::UTC, datetime!(2026-11-28 12:00 UTC))
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
    fn accounts_are_not_paged_and_version_three_counts_pages_from_zero() {
        for collection in Collection::ALL {
            let expected = match (collection, collection.api()) {
                (Collection::Account, _) => Paging::None,
                (_, Api::SalesOrder) => Paging::FromZero,
                (_, Api::Finance) => Paging::FromOne,
            };
            assert_eq!(collection.paging(), expected, "{collection}");
        }
    }

    fn keys(page: &Page) -> Vec<&str> {
        page.rows.iter().filter_map(Row::key).collect()
    }

    #[test]
    fn a_page_is_read_with_its_total() {
        let row = r#"{"number":"10001","lastModifiedDateTime":"2026-11-23T12:00:00.123","timeStamp":"AAE=","metadata":{"totalCount":7,"maxPageSize":2}}"#;
        let page = Collection::Customer.read_page(&format!("[{row}]"), &clock()).unwrap();
        let Row::Read(listed) = &page.rows[0] else { panic!("not read") };
        let modified = Stamp::from(Ticks::from_datetime(datetime!(2026-11-23 12:00:00.123 UTC)));
        assert_eq!((listed.key.as_str(), listed.modified), ("10001", modified));
        assert_eq!(listed.revision.etag.as_deref(), Some("AAE="));
        assert_eq!((page.total, page.more), (Some(7), None));
    }

    #[test]
    fn a_sales_order_is_keyed_by_type_and_number() {
        let json = r#"[{"type":"SO","orderId":"42","lastModified":"2026-11-23T12:00:00Z"}]"#;
        let page = Collection::SalesOrder.read_page(json, &clock());
        assert_eq!(keys(&page.unwrap()), ["SO/42"]);
    }

    #[test]
    fn a_list_of_version_three_names_its_next_page() {
        let row = r#"{"_links":{"self":{"href":"/api/v3/SalesOrders/SO/000101"}},"type":"SO","orderId":"000101","status":"Open","lastModified":"2026-11-28T09:00:00.123Z"}"#;
        let read = |json: String| Collection::SalesOrder.read_page(&json, &clock()).unwrap();
        let first =
            read(format!(r#"{{"value":[{row}],"nextPage":"/api/v3/SalesOrders?pageIndex=1","totalCount":101}}"#));
        assert_eq!((keys(&first), first.total, first.more), (vec!["SO/000101"], Some(101), Some(true)));
        assert!(matches!(first.rows[0], Row::Read(_)));
        let last = read(format!(r#"{{"value":[{row}],"nextPage":null,"totalCount":101}}"#));
        assert_eq!((last.total, last.more), (Some(101), Some(false)));
        let empty = read(r#"{"value":[],"nextPage":null,"totalCount":0}"#.to_owned());
        assert_eq!(empty, Page { rows: vec![], total: Some(0), more: Some(false) });
        let terse = read(format!(r#"{{"value":[{row}]}}"#));
        assert_eq!((terse.rows.len(), terse.total, terse.more), (1, None, None));
    }

    #[test]
    fn keeps_a_row_without_a_time_or_a_key() {
        let page = Collection::Customer.read_page(
            r#"[{"number":"10001","lastModifiedDateTime":null,"metadata":{"totalCount":7,"maxPageSize":100}},
                {"number":"10002"},
                {"number":"10003","lastModifiedDateTime":"2026-11-28T09:00:00+01:00"},
                {"number":"10004","lastModifiedDateTime":"yesterday"},
                {"number":"10005","lastModifiedDateTime":"0001-01-01T00:00:00"},
                {"lastModifiedDateTime":"2026-11-28T09:00:00"},
                null]"#,
            &clock(),
        );
        let page = page.unwrap();
        let timeless = |key: &str| Row::NoTime { key: key.to_owned() };
        assert_eq!(page.rows[..2], [timeless("10001"), timeless("10002")]);
        let Row::Read(read) = &page.rows[2] else { panic!("not read") };
        assert_eq!(read.modified, Stamp::from(Ticks::from_datetime(datetime!(2026-11-28 8:00 UTC))));
        assert_eq!(page.rows[3..], [timeless("10004"), timeless("10005"), Row::NoKey, Row::NoKey]);
        assert_eq!(page.total, Some(7));
    }

    #[test]
    fn a_total_below_the_rows_of_the_page_is_no_total() {
        let of = |total: usize| {
            let row = format!(r#"{{"number":"10001","metadata":{{"totalCount":{total},"maxPageSize":0}}}}"#);
            Collection::Customer.read_page(&format!("[{row},{row}]"), &clock()).unwrap().total
        };
        assert_eq!([0, 1, 2].map(of), [None, None, Some(2)]);
    }

    #[test]
    fn a_row_whose_key_is_too_long_is_unreadable_and_the_others_are_read() {
        let row = |key: &str| format!(r#"{{"number":"{key}","lastModifiedDateTime":"2026-11-23T12:00:00"}}"#);
        let (longest, longer) = ("9".repeat(256), "9".repeat(257));
        let json = format!("[{},{},{}]", row(&longer), row(&longest), row("10001"));
        let page = Collection::Customer.read_page(&json, &clock()).unwrap();
        assert_eq!((&page.rows[0], keys(&page)), (&Row::NoKey, vec![longest.as_str(), "10001"]));
    }

    #[test]
    fn rejects_anything_but_a_list() {
        for json in ["{}", r#"{"value": 5}"#, r#"{"value": null}"#, "5", "<html>", ""] {
            assert_eq!(Collection::Account.read_page(json, &clock()), Err(NotAList), "{json}");
        }
    }
}
