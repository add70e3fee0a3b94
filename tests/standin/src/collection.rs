//! The resources of Visma Net (docs/visma-net.md#resources) and their initial bodies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A resource's body.
pub type Fields = Map<String, Value>;

/// A collection of resources. Its JSON form is the path segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    Account,
    Customer,
    Employee,
    Inventory,
    Supplier,
    Project,
    PurchaseOrder,
    CustomerInvoice,
    SupplierInvoice,
    Shipment,
    /// V1, end of life; its key is `{type}/{number}`.
    SalesOrder,
    /// The Sales Order service's V3; its key is `{type}/{orderId}`.
    #[serde(rename = "SalesOrders")]
    SalesOrderV3,
    Segment,
    Dimension,
    /// State of a background operation (docs/visma-net.md#background-results).
    Background,
}

/// How a collection's bodies are built. Only [`Collection::Account`] is known field by field. The
/// others have only what the stand-in needs.
struct Shape {
    path: &'static str,
    /// The body fields that form the key, joined by `/`.
    key: &'static [&'static str],
    /// The stable number for `/internal/{id}`, and whether that path exists.
    internal: Option<(&'static str, bool)>,
    /// The field a person reads.
    label: &'static str,
    /// Documents move through [`STATUSES`].
    document: bool,
    prefix: &'static str,
}

/// The fields that each change of a resource sets, by name.
pub(crate) struct Stamps {
    pub(crate) modified: &'static str,
    /// Added after the time.
    pub(crate) zone: &'static str,
    /// The text of the ETag (docs/visma-net.md#row-versions,
    /// docs/visma-net.md#sales-orders-version-3).
    pub(crate) version: &'static str,
}

/// The statuses of a document (docs/visma-net.md#notification-types).
pub const STATUSES: [&str; 3] = ["On hold", "Open", "Completed"];

impl Collection {
    /// All collections, for tests that try each.
    pub const ALL: [Self; 15] = [
        Self::Account,
        Self::Customer,
        Self::Employee,
        Self::Inventory,
        Self::Supplier,
        Self::Project,
        Self::PurchaseOrder,
        Self::CustomerInvoice,
        Self::SupplierInvoice,
        Self::Shipment,
        Self::SalesOrder,
        Self::SalesOrderV3,
        Self::Segment,
        Self::Dimension,
        Self::Background,
    ];

    #[rustfmt::skip]
    const fn shape(self) -> Shape {
        const fn entity(path: &'static str, key: &'static [&'static str], internal: Option<(&'static str, bool)>, label: &'static str, prefix: &'static str) -> Shape {
            Shape { path, key, internal, label, document: false, prefix }
        }
        const fn document(path: &'static str, key: &'static [&'static str], prefix: &'static str) -> Shape {
            Shape { path, key, internal: None, label: "description", document: true, prefix }
        }
        match self {
            Self::Account => entity("account", &["accountCD"], Some(("accountID", false)), "description", ""),
            Self::Customer => entity("customer", &["number"], Some(("internalId", true)), "name", "C"),
            Self::Employee => entity("employee", &["employeeNumber"], Some(("employeeId", false)), "employeeName", "E"),
            Self::Inventory => entity("inventory", &["inventoryNumber"], Some(("inventoryId", true)), "description", "I"),
            Self::Supplier => entity("supplier", &["number"], Some(("internalId", true)), "name", "S"),
            Self::Project => entity("project", &["projectID"], Some(("internalID", true)), "description", "P"),
            Self::PurchaseOrder => document("purchaseorder", &["orderNbr"], "PO"),
            Self::CustomerInvoice => document("customerinvoice", &["referenceNumber"], "AR"),
            Self::SupplierInvoice => document("supplierinvoice", &["referenceNumber"], "AP"),
            Self::Shipment => document("shipment", &["shipmentNumber"], "SH"),
            Self::SalesOrder => document("salesorder", &["orderType", "orderNo"], "SO/"),
            Self::SalesOrderV3 => document("SalesOrders", &["type", "orderId"], "SO/"),
            Self::Segment => entity("segment", &["dimensionId", "segmentId"], None, "description", "SUBACCOUNT/"),
            Self::Dimension => entity("dimension", &["dimensionId"], None, "description", "D"),
            Self::Background => entity("background", &["id"], None, "status", ""),
        }
    }

    /// Its path segment, except for a segment.
    pub fn path(self) -> &'static str {
        self.shape().path
    }

    /// The collection at this path of version 1, for a key of so many segments. A segment is below
    /// its dimension (docs/visma-net.md#resources).
    pub(crate) fn served_at(path: &str, segments: usize) -> Option<Self> {
        match (path, segments) {
            ("segment", _) => None,
            ("dimension", 2..) => Some(Self::Segment),
            _ => Self::of_path(path),
        }
    }

    /// The path segment that serves it.
    pub(crate) fn served_path(self) -> &'static str {
        if self == Self::Segment { "dimension" } else { self.path() }
    }

    /// The collection of a path segment.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.path() == path)
    }

    /// Whether its resources have a status that changes.
    pub fn is_document(self) -> bool {
        self.shape().document
    }

    /// Whether its list accepts `pageNumber` and `pageSize` (docs/visma-net.md#lists).
    pub(crate) fn is_paged(self) -> bool {
        self != Self::Account
    }

    pub(crate) fn stamps(self) -> Stamps {
        match self {
            Self::SalesOrderV3 => Stamps { modified: "lastModified", zone: "Z", version: "version" },
            _ => Stamps { modified: "lastModifiedDateTime", zone: "", version: "timeStamp" },
        }
    }

    /// The body field with the stable number for `/internal/{id}`.
    pub(crate) fn internal_field(self) -> Option<&'static str> {
        self.shape().internal.and_then(|(field, readable)| readable.then_some(field))
    }

    /// The body field with the number that a renumbering keeps.
    pub(crate) fn id_field(self) -> Option<&'static str> {
        self.shape().internal.map(|(field, _)| field)
    }

    /// The name of the resource for people.
    pub(crate) fn label(self, body: &Fields) -> String {
        text(body, self.shape().label)
    }

    /// An unused key made from `number`.
    pub(crate) fn fresh_key(self, number: i64) -> String {
        match self {
            Self::Background => uuid::Uuid::new_v4().to_string(),
            _ => format!("{}{number}", self.shape().prefix),
        }
    }

    /// The segments of its path. A slash in the last one belongs to the number and is
    /// percent-encoded.
    pub(crate) fn segments(self, key: &str) -> impl Iterator<Item = &str> {
        key.splitn(self.shape().key.len(), '/')
    }

    /// Writes the key into the body's key fields.
    pub(crate) fn set_key(self, body: &mut Fields, key: &str) {
        let names = self.shape().key;
        for (name, part) in names.iter().zip(key.splitn(names.len(), '/')) {
            body.insert((*name).to_owned(), part.into());
        }
    }

    /// The body of a new resource, without the stamps.
    pub(crate) fn template(self, key: &str, id: i64) -> Fields {
        let shape = self.shape();
        let mut body = fields(match self {
            Self::Account => account(),
            Self::Inventory => {
                json!({"status": "Active", "type": "FinishedGoodItem", "stockItem": true})
            }
            Self::Background => background(key),
            Self::Segment | Self::Dimension => json!({}),
            _ if shape.document => json!({"status": STATUSES[0], "amount": 1250.5}),
            _ => json!({"status": "Active"}),
        });
        if !body.contains_key(shape.label) {
            body.insert(shape.label.to_owned(), format!("{} {key}", shape.path).into());
        }
        if let Some(field) = self.id_field() {
            body.insert(field.to_owned(), id.into());
        }
        self.set_key(&mut body, key);
        body
    }
}

pub(crate) fn fields(object: Value) -> Fields {
    match object {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// The fields of AccountDto (docs/visma-net.md#resources).
fn account() -> Value {
    json!({
        "accountGroupCD": null, "accountClass": "BANK", "type": "Asset", "active": true,
        "accountClassDescription": "Bank accounts", "useDefaultSub": false, "postOption": "Summary", "currency": "NOK",
        "taxCategory": null, "cashAccount": false, "publicCode1": null, "externalCode1Info": null,
        "externalCode2Info": null, "analisysCodeInfo": null, "controlAccountModule": null, "allowManualEntry": true,
        "errorInfo": "",
    })
}

/// The fields of BackgroundRequestStateDto (docs/visma-net.md#background-results), unfinished.
fn background(id: &str) -> Value {
    json!({
        "id": id, "status": "Started", "statusCode": 0, "receivedUtc": null, "startedUtc": null, "finishedUtc": null,
        "webhookAddress": "none", "errorMessage": null, "reference": null, "originalUri": null,
        "hasResponseContent": false, "hasRequestContent": false, "contentLocation": null, "responseHeaders": null,
    })
}

/// A field as text; empty if it is absent.
pub(crate) fn text(body: &Fields, field: &str) -> String {
    match body.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_is_the_path() {
        for one in Collection::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.path());
            assert_eq!(Collection::of_path(one.path()), Some(one));
        }
    }

    #[test]
    fn a_composite_key_fills_its_fields() {
        let body = Collection::SalesOrderV3.template("SO/000123", 1);
        assert_eq!(body["type"], "SO");
        assert_eq!(body["orderId"], "000123");
        assert_eq!(body["status"], "On hold");
    }

    #[test]
    fn an_account_has_the_documented_fields() {
        let body = Collection::Account.template("1920", 42);
        assert_eq!(body["accountCD"], "1920");
        assert_eq!(body["accountID"], 42);
        assert_eq!(body["type"], "Asset");
        assert!(body.contains_key("analisysCodeInfo"));
    }
}
