//! The entities that a notification can be about: one row for each.

use crate::language::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fields that identify an entity. A notification without them is parked as `unidentified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// One visible number, name or id.
    Key,
    /// The order's type and its number, for example `SO/000123` (docs/visma-net.md#resources).
    TypeAndNumber,
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
    /// The name that an accountant uses, in each language.
    words: Text,
}

macro_rules! entities {
    ($($(#[$about:meta])* $entity:ident = $row:expr;)+) => {
        /// The changed entity. Employees and projects are published under two names each; both mean
        /// one entity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Entity {
            $($(#[$about])* $entity,)+
        }

        impl Entity {
            pub const ALL: [Self; ROWS.len()] = [$(Self::$entity),+];
        }

        /// In the order of the variants.
        const ROWS: &[Row] = &[$($row),+];
    };
}

entities! {
    Account = Row {
        name: "account",
        title: "Account",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["account"],
        keys: &["accountCd", "account"],
        words: ["account", "konto", "konto", "konto", "grootboekrekening", "tili"],
    };
    BackgroundOperation = Row {
        name: "background_operation",
        title: "Background operation",
        group: Group::Other,
        identification: Identification::Key,
        resources: &["background"],
        keys: &["id", "reference"],
        words: [
            "background operation",
            "bakgrunnsjobb",
            "bakgrundsjobb",
            "baggrundsjob",
            "achtergrondtaak",
            "taustatoiminto",
        ],
    };
    Company = Row {
        name: "company",
        title: "Company",
        group: Group::Other,
        identification: Identification::Company,
        resources: &[],
        keys: &[],
        words: ["company", "firma", "företag", "virksomhed", "bedrijf", "yritys"],
    };
    Customer = Row {
        name: "customer",
        title: "Customer",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["customer"],
        keys: &["customerCd", "customerNumber"],
        words: ["customer", "kunde", "kund", "kunde", "klant", "asiakas"],
    };
    CustomerInvoice = Row {
        name: "customer_invoice",
        title: "Customer invoice",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["customerinvoice"],
        keys: &["invoiceNumber", "refNbr"],
        words: [
            "customer invoice",
            "kundefaktura",
            "kundfaktura",
            "kundefaktura",
            "verkoopfactuur",
            "myyntilasku",
        ],
    };
    Dimension = Row {
        name: "dimension",
        title: "Dimension",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["dimension"],
        keys: &["dimensionId", "dimension"],
        words: ["dimension", "dimensjon", "dimension", "dimension", "dimensie", "dimensio"],
    };
    Employee = Row {
        name: "employee",
        title: "Employee",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["employee"],
        keys: &["employeeCd", "employeeNumber"],
        words: ["employee", "ansatt", "anställd", "medarbejder", "medewerker", "työntekijä"],
    };
    /// Stock and non-stock items come as one event; the fetched resource tells them apart.
    InventoryItem = Row {
        name: "inventory_item",
        title: "Stock or non-stock item",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["inventory"],
        keys: &["inventoryNumber", "inventoryCd"],
        words: [
            "inventory item",
            "lagervare",
            "lagerartikel",
            "lagervare",
            "voorraadartikel",
            "varastonimike",
        ],
    };
    Project = Row {
        name: "project",
        title: "Project",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["project", "projectbasic"],
        keys: &["projectId", "projectCd"],
        words: ["project", "prosjekt", "projekt", "projekt", "project", "projekti"],
    };
    PurchaseOrder = Row {
        name: "purchase_order",
        title: "Purchase order",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["purchaseorder"],
        keys: &["orderNumber", "orderNbr", "orderId"],
        words: [
            "purchase order",
            "innkjøpsordre",
            "inköpsorder",
            "indkøbsordre",
            "inkooporder",
            "ostotilaus",
        ],
    };
    SalesOrder = Row {
        name: "sales_order",
        title: "Sales order",
        group: Group::Document,
        identification: Identification::TypeAndNumber,
        resources: &["SalesOrders", "salesorder"],
        keys: &["orderNumber", "orderNbr", "orderId"],
        words: [
            "sales order",
            "salgsordre",
            "försäljningsorder",
            "salgsordre",
            "verkooporder",
            "myyntitilaus",
        ],
    };
    Segment = Row {
        name: "segment",
        title: "Segment",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["segment"],
        keys: &["segmentId", "segmentKey", "segment"],
        words: ["segment", "segment", "segment", "segment", "segment", "segmentti"],
    };
    Shipment = Row {
        name: "shipment",
        title: "Shipment",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["shipment"],
        keys: &["shipmentNumber", "shipmentNbr"],
        words: ["shipment", "forsendelse", "leverans", "forsendelse", "zending", "toimitus"],
    };
    Supplier = Row {
        name: "supplier",
        title: "Supplier",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["supplier"],
        keys: &["supplierCd", "supplierNumber"],
        words: ["supplier", "leverandør", "leverantör", "leverandør", "leverancier", "toimittaja"],
    };
    SupplierInvoice = Row {
        name: "supplier_invoice",
        title: "Supplier invoice",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["supplierinvoice"],
        keys: &["invoiceNumber", "refNbr"],
        words: [
            "supplier invoice",
            "leverandørfaktura",
            "leverantörsfaktura",
            "leverandørfaktura",
            "inkoopfactuur",
            "ostolasku",
        ],
    };
    Voucher = Row {
        name: "voucher",
        title: "Voucher",
        group: Group::Document,
        identification: Identification::Key,
        resources: &[],
        keys: &["refNumber", "voucherNumber"],
        words: ["voucher", "bilag", "verifikation", "bilag", "boekstuk", "tosite"],
    };
    /// An event that is neither in the catalogue nor an alias in the settings.
    Unmapped = Row {
        name: "unmapped",
        title: "Unmapped",
        group: Group::Other,
        identification: Identification::Key,
        resources: &[],
        keys: &[],
        words: [
            "unmapped",
            "ukjent hendelse",
            "okänd händelse",
            "ukendt hændelse",
            "onbekende gebeurtenis",
            "tuntematon tapahtuma",
        ],
    };
    /// A body that is not a JSON object or an array of objects.
    Unparseable = Row {
        name: "unparseable",
        title: "Unreadable",
        group: Group::Other,
        identification: Identification::Key,
        resources: &[],
        keys: &[],
        words: [
            "unparseable",
            "uleselig varsel",
            "oläslig avisering",
            "ulæselig notifikation",
            "onleesbare melding",
            "lukukelvoton ilmoitus",
        ],
    };
}

impl Entity {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The name that an accountant uses.
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

    pub(crate) fn words(self) -> Text {
        self.row().words
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    fn each_row_stands_at_its_entity() {
        assert_eq!(Entity::ALL.len(), ROWS.len());
        for entity in Entity::ALL {
            assert_eq!(serde_json::to_value(entity).unwrap(), entity.as_str());
        }
    }

    #[test]
    fn no_two_entities_share_a_resource_or_a_title() {
        let resources: Vec<_> = Entity::ALL.iter().flat_map(|entity| entity.resources()).collect();
        assert_eq!(resources.iter().collect::<BTreeSet<_>>().len(), resources.len());
        let titles: BTreeSet<_> = Entity::ALL.iter().map(|entity| entity.title()).collect();
        assert_eq!(titles.len(), Entity::ALL.len());
    }
}
