//! The facts about each entity, as data.

use super::{Group, Identification, Kind, Row, assumed_id, documented_id};

entities! {
    Account = Row {
        name: "account",
        title: "Account",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["account"],
        keys: &["accountCd", "account"],
        events: &[
            assumed_id("ACCOUNT_CHANGED", Kind::Changed),
            assumed_id("ACCOUNT_CREATED", Kind::Created),
            assumed_id("ACCOUNT_DELETED", Kind::Deleted),
            assumed_id("ACCOUNT_IDENTITY_CHANGED", Kind::IdentityChanged),
            assumed_id("ACCOUNT_UPDATED", Kind::Updated),
        ],
        words: ["account", "konto", "konto", "konto", "grootboekrekening", "tili"],
    };
    BackgroundOperation = Row {
        name: "background_operation",
        title: "Background operation",
        group: Group::Other,
        identification: Identification::Key,
        resources: &["background"],
        keys: &["id", "reference"],
        events: &[documented_id("BACKGROUND_API_RESPONSE", Kind::Background)],
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
        events: &[assumed_id("FIRST_TIME_STARTUP_COMPLETED", Kind::Completed)],
        words: ["the company", "firmaet", "företaget", "virksomheden", "het bedrijf", "yritys"],
    };
    Customer = Row {
        name: "customer",
        title: "Customer",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["customer"],
        keys: &["customerCd", "customerNumber"],
        events: &[
            assumed_id("CUSTOMER_ACTION_TRIGGERED", Kind::Action),
            assumed_id("CUSTOMER_CHANGED", Kind::Changed),
            assumed_id("CUSTOMER_CREATED", Kind::Created),
            assumed_id("CUSTOMER_UPDATED", Kind::Updated),
        ],
        words: ["customer", "kunde", "kund", "kunde", "debiteur", "asiakas"],
    };
    CustomerInvoice = Row {
        name: "customer_invoice",
        title: "Customer invoice",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["customerinvoice"],
        keys: &["invoiceNumber", "refNbr"],
        events: &[
            assumed_id("AR_INVOICE_ACTION_TRIGGERED", Kind::Action),
            assumed_id("AR_INVOICE_CHANGED", Kind::Changed),
            assumed_id("AR_INVOICE_STATUS_CHANGED", Kind::StatusChanged),
        ],
        words: [
            "customer invoice",
            "kundefaktura",
            "kundfaktura",
            "salgsfaktura",
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
        events: &[assumed_id("DIMENSION_CHANGED", Kind::Changed)],
        words: ["dimension", "dimensjon", "dimension", "dimension", "dimensie", "dimensio"],
    };
    Employee = Row {
        name: "employee",
        title: "Employee",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["employee"],
        keys: &["employeeCd", "employeeNumber"],
        events: &[
            assumed_id("EMPLOYEE_CHANGED", Kind::Changed),
            assumed_id("EP_EMPLOYEE_CREATED", Kind::Created),
            assumed_id("EP_EMPLOYEE_UPDATED", Kind::Updated),
        ],
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
        events: &[
            assumed_id("INVENTORY_ITEM_ACTION_TRIGGERED", Kind::Action),
            assumed_id("INVENTORY_ITEM_CHANGED", Kind::Changed),
            assumed_id("INVENTORY_ITEM_CREATED", Kind::Created),
            assumed_id("INVENTORY_ITEM_UPDATED", Kind::Updated),
        ],
        words: ["item", "vare", "artikel", "vare", "artikel", "nimike"],
    };
    Project = Row {
        name: "project",
        title: "Project",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["project", "projectbasic"],
        keys: &["projectId", "projectCd"],
        events: &[
            assumed_id("PM_PROJECT_ACTION_TRIGGERED", Kind::Action),
            assumed_id("PM_PROJECT_CREATED", Kind::Created),
            assumed_id("PM_PROJECT_PMTASK_UPDATED", Kind::Updated),
            assumed_id("PM_PROJECT_UPDATED", Kind::Updated),
            assumed_id("PROJECT_CHANGED", Kind::Changed),
        ],
        words: ["project", "prosjekt", "projekt", "projekt", "project", "projekti"],
    };
    PurchaseOrder = Row {
        name: "purchase_order",
        title: "Purchase order",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["purchaseorder"],
        keys: &["orderNumber", "orderNbr", "orderId"],
        events: &[
            assumed_id("PURCHASE_ORDER_ACTION_TRIGGERED", Kind::Action),
            assumed_id("PURCHASE_ORDER_CHANGED", Kind::Changed),
            assumed_id("PURCHASE_ORDER_STATUS_CHANGED", Kind::StatusChanged),
        ],
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
        identification: Identification::Pair,
        resources: &["SalesOrders", "salesorder"],
        keys: &["orderNumber", "orderNbr", "orderId"],
        events: &[
            assumed_id("SALES_ORDER_ACTION_TRIGGERED", Kind::Action),
            assumed_id("SALES_ORDER_CHANGED", Kind::Changed),
            assumed_id("SALES_ORDER_STATUS_CHANGED", Kind::StatusChanged),
            documented_id("SALESORDER_CREATED", Kind::Created),
            documented_id("SALESORDER_UPDATED", Kind::Updated),
            documented_id("SALESORDER_DELETED", Kind::Deleted),
            documented_id("SALESORDER_UI_CUSTOMACTION", Kind::Action),
        ],
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
        identification: Identification::Pair,
        resources: &["dimension"],
        keys: &["segmentId", "segmentKey", "segment"],
        events: &[
            assumed_id("SEGMENT_CHANGED", Kind::Changed),
            assumed_id("SEGMENT_VALUE_CHANGED", Kind::ValueChanged),
        ],
        words: ["segment", "segment", "segment", "segment", "segment", "segmentti"],
    };
    Shipment = Row {
        name: "shipment",
        title: "Shipment",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["shipment"],
        keys: &["shipmentNumber", "shipmentNbr"],
        events: &[
            assumed_id("SHIPMENT_ACTION_TRIGGERED", Kind::Action),
            assumed_id("SHIPMENT_CHANGED", Kind::Changed),
            assumed_id("SHIPMENT_DELETED", Kind::Deleted),
            assumed_id("SHIPMENT_STATUS_CHANGED", Kind::StatusChanged),
        ],
        words: ["shipment", "leveranse", "utleverans", "leverance", "zending", "toimitus"],
    };
    Supplier = Row {
        name: "supplier",
        title: "Supplier",
        group: Group::Entity,
        identification: Identification::Key,
        resources: &["supplier"],
        keys: &["supplierCd", "supplierNumber"],
        events: &[
            assumed_id("SUPPLIER_ACTION_TRIGGERED", Kind::Action),
            assumed_id("SUPPLIER_CHANGED", Kind::Changed),
            assumed_id("SUPPLIER_CREATED", Kind::Created),
            assumed_id("SUPPLIER_UPDATED", Kind::Updated),
        ],
        words: ["supplier", "leverandør", "leverantör", "leverandør", "crediteur", "toimittaja"],
    };
    SupplierInvoice = Row {
        name: "supplier_invoice",
        title: "Supplier invoice",
        group: Group::Document,
        identification: Identification::Key,
        resources: &["supplierinvoice"],
        keys: &["invoiceNumber", "refNbr"],
        events: &[assumed_id("AP_INVOICE_STATUS_CHANGED", Kind::StatusChanged)],
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
        events: &[
            documented_id("IMPORT_VOUCHER_FAILED", Kind::Lifecycle),
            documented_id("IMPORT_VOUCHER_SUCCESSFUL", Kind::Lifecycle),
            documented_id("VOUCHER_RECEIVED", Kind::Lifecycle),
            documented_id("VOUCHER_PROCESSED", Kind::Lifecycle),
            documented_id("VOUCHER_PROCESSING_FAILED", Kind::Lifecycle),
            documented_id("VOUCHER_SYNCHRONIZATION_STARTED", Kind::Lifecycle),
            documented_id("VOUCHER_SYNCHRONIZED", Kind::Lifecycle),
            documented_id("VOUCHER_SYNCHRONIZATION_FAILED", Kind::Lifecycle),
            documented_id("VOUCHER_DOCUMENT_SYNCHRONIZED", Kind::Lifecycle),
            documented_id("VOUCHER_DOCUMENT_SYNCHRONIZATION_FAILED", Kind::Lifecycle),
        ],
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
        events: &[],
        words: [
            "an unknown event",
            "en ukjent hendelse",
            "en okänd händelse",
            "en ukendt hændelse",
            "een onbekende gebeurtenis",
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
        events: &[],
        words: [
            "an unreadable notification",
            "et uleselig varsel",
            "ett oläsligt meddelande",
            "en ulæselig notifikation",
            "een onleesbare melding",
            "lukukelvoton ilmoitus",
        ],
    };
}
