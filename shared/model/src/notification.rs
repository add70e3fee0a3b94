//! One item of a delivery, normalised (reference 8.3): what changed, for whom, and how sure we are.

use crate::catalogue::{self, Entity, EventType, Kind, NotificationType};
use crate::delivery::{Channel, Delivery, MalformedMessage, Origin};
use crate::fields::Fields;
use crate::head::EntityId;
use crate::identity::NotificationKey;
use crate::ledger::LedgerKey;
use crate::resource_path::ResourcePath;
use crate::ticks::Ticks;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

const MAX_KEY_LENGTH: usize = 256;
const MAX_TEXT_LENGTH: usize = 256;
pub use crate::names::is_name;

/// Stands for the tenant where none could be told.
pub const UNKNOWN_TENANT: &str = "unknown";

/// What the settings know and a payload does not say.
pub trait Directory {
    /// The event that a name means here, beyond the catalogue's own names.
    fn event_alias(&self, name: &str) -> Option<&'static EventType>;
    /// The tenant whose company number (`contextId`) this is.
    fn tenant_of_company(&self, company: &str) -> Option<String>;
}

/// Settings that know nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDirectory;

impl Directory for NoDirectory {
    fn event_alias(&self, _: &str) -> Option<&'static EventType> {
        None
    }

    fn tenant_of_company(&self, _: &str) -> Option<String> {
        None
    }
}

impl Proof {
    pub const ALL: [Self; 3] = [Self::Signed, Self::Headers, Self::Nothing];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Headers => "headers",
            Self::Nothing => "nothing",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.as_str() == text)
    }
}

/// How far the sender's word for *what* happened to *whom* can be trusted. Only bodies are signed (reference 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Event and tenant come from the signed body, from the subscription that the secret proves, or from our settings.
    Signed,
    /// The body is signed, but the event or the tenant was read from a header, which anyone could have altered.
    Headers,
    /// Nothing is signed: the legacy channel.
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub key: NotificationKey,
    pub delivery: Uuid,
    pub channel: Channel,
    pub origin: Origin,
    pub proof: Proof,
    pub subscription: String,
    pub received_at: OffsetDateTime,
    /// `None` when nothing names a tenant.
    pub tenant: Option<String>,
    /// `contextId`: the company's number in the legacy channel.
    pub company: Option<String>,
    /// The event's name as it came.
    pub event_raw: String,
    pub event: Option<&'static EventType>,
    pub entity: Entity,
    pub kind: Kind,
    pub id_in_body: Option<Uuid>,
    pub id_in_header: Option<Uuid>,
    pub path: Option<ResourcePath>,
    pub entity_key: Option<String>,
    pub previous_key: Option<String>,
    pub source: Option<String>,
    pub status: Option<String>,
    /// The free text configured for an action (reference 3.4).
    pub parameter: Option<String>,
    /// The body's own timestamp.
    pub occurred_at: Option<Ticks>,
    /// The exact text of the item.
    pub raw: String,
}

impl Notification {
    /// Each notification of a message of the notifications queue.
    ///
    /// # Errors
    /// The message was not written by [`Delivery::to_message`].
    pub fn all_in(message: &str, directory: &impl Directory) -> Result<Vec<Self>, MalformedMessage> {
        Ok(Self::all_of(&Delivery::from_message(message)?, directory))
    }

    /// Each notification of a delivery; a body that is no JSON is one, too.
    pub fn all_of(delivery: &Delivery, directory: &impl Directory) -> Vec<Self> {
        match delivery.items() {
            Some(items) => items.into_iter().map(|item| Self::read(delivery, item, directory)).collect(),
            None => vec![Self::unparseable(delivery, &unreadable(&delivery.body))],
        }
    }

    /// Reads one item of [`Delivery::items`]. Never fails: what cannot be read is `unparseable`, what is not known `unmapped`.
    pub fn read(delivery: &Delivery, item: &str, directory: &impl Directory) -> Self {
        let Some(fields) = Fields::parse(item) else {
            return Self::unparseable(delivery, item);
        };
        let (event_raw, event, event_told_by) = event_of(delivery, &fields, directory);
        let entity = event.map_or(Entity::Unmapped, |event| event.entity);
        let path = fields
            .text(&["relativeResourceUri", "resourcePath"])
            .and_then(|path| ResourcePath::parse(&path).ok())
            .filter(|path| path.entity() == entity);
        let entity_key = path.as_ref().and_then(ResourcePath::key).or_else(|| key_of(entity, &fields));
        let path = path.or_else(|| ResourcePath::for_entity(entity, entity_key.as_deref()?));
        let company = fields.text(&["contextId", "companyId"]).filter(|text| is_name(text));
        let (tenant, tenant_told_by) = tenant_of(delivery, company.as_deref(), directory);
        Self {
            proof: proof(delivery, &[event_told_by, tenant_told_by]),
            event,
            entity,
            kind: event.map_or(Kind::Unknown, |event| event.kind),
            tenant,
            company,
            id_in_body: fields.text(&["notificationId"]).and_then(|id| Uuid::try_parse(&id).ok()),
            path,
            entity_key: entity_key.filter(|key| key.len() <= MAX_KEY_LENGTH),
            previous_key: short(fields.text(&[
                "previousKey",
                "oldKey",
                "previousAccountCd",
                "oldAccountCd",
                "oldValue",
            ])),
            source: short(fields.text(&["source"])),
            status: short(status_of(event, &fields)),
            parameter: short(fields.text(&["parameter", "webhookParameter", "actionParameter", "message"])),
            occurred_at: fields
                .text(&["timeStamp", "occurredAt", "changedAt", "lastModifiedDateTime"])
                .and_then(|text| moment(&text)),
            ..Self::bare(delivery, item, event_raw)
        }
        .with_key()
    }

    /// A body, or an element of one, that is no JSON object.
    fn unparseable(delivery: &Delivery, text: &str) -> Self {
        let named = delivery.meta.event.as_deref().or_else(|| delivery.header("x-vwd-event-id")).unwrap_or_default();
        let bare = Self::bare(delivery, text, named.to_owned());
        let (tenant, told_by) = tenant_of(delivery, None, &NoDirectory);
        Self { entity: Entity::Unparseable, tenant, proof: proof(delivery, &[told_by]), ..bare }.with_key()
    }

    fn bare(delivery: &Delivery, item: &str, event_raw: String) -> Self {
        let meta = &delivery.meta;
        Self {
            key: NotificationKey::new(item.as_bytes(), None),
            delivery: meta.id,
            channel: meta.channel,
            origin: meta.origin,
            proof: Proof::Nothing,
            subscription: meta.subscription.clone(),
            received_at: meta.received_at,
            tenant: None,
            company: None,
            event_raw: event_raw.chars().take(MAX_TEXT_LENGTH).collect::<String>().trim_end().to_owned(),
            event: None,
            entity: Entity::Unmapped,
            kind: Kind::Unknown,
            id_in_body: None,
            id_in_header: delivery.header("x-vwd-notification-id").and_then(|id| Uuid::try_parse(id).ok()),
            path: None,
            entity_key: None,
            previous_key: None,
            source: None,
            status: None,
            parameter: None,
            occurred_at: None,
            raw: item.to_owned(),
        }
    }

    fn with_key(mut self) -> Self {
        let id = self.id_in_body.or(self.id_in_header).map(|id| id.to_string());
        self.key = NotificationKey::new(self.raw.as_bytes(), id.as_deref());
        self
    }

    /// Where it is kept. Without an entity key it has a partition to itself, so that strangers' mistakes share no hot one.
    pub fn ledger_key(&self) -> LedgerKey {
        let key = match &self.entity_key {
            Some(key) => key.clone(),
            None => format!("~{}", &self.key.content()[..16]),
        };
        let tenant = self.tenant.clone().unwrap_or_else(|| UNKNOWN_TENANT.to_owned());
        LedgerKey { entity: EntityId { tenant, entity: self.entity, key }, notification: self.key.clone() }
    }

    pub fn notification_type(&self) -> Option<NotificationType> {
        self.event.map(EventType::notification_type)
    }

    /// The name to show and to publish: the catalogue's, or else what came.
    pub fn event_name(&self) -> &str {
        self.event.map_or(&self.event_raw, |event| event.id)
    }

    /// For people: `account 1920`.
    pub fn subject(&self) -> String {
        match &self.entity_key {
            Some(key) => format!("{} {key}", self.entity.label()),
            None => self.entity.label(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ToldBy {
    Us,
    Header,
}

fn proof(delivery: &Delivery, told_by: &[ToldBy]) -> Proof {
    match delivery.meta.channel {
        Channel::Legacy => Proof::Nothing,
        Channel::Dispatcher if told_by.contains(&ToldBy::Header) => Proof::Headers,
        Channel::Dispatcher => Proof::Signed,
    }
}

/// The body's word for the event comes first, for it is signed; then the subscription, which the secret proves; then the header.
fn event_of(
    delivery: &Delivery,
    fields: &Fields<'_>,
    directory: &impl Directory,
) -> (String, Option<&'static EventType>, ToldBy) {
    let names = [
        (fields.text(&["event", "eventType", "eventName", "eventId", "action"]), ToldBy::Us),
        (delivery.meta.event.clone(), ToldBy::Us),
        (delivery.header("x-vwd-event-id").map(str::to_owned), ToldBy::Header),
    ];
    let mut names = names.into_iter().filter_map(|(name, told_by)| Some((name?, told_by))).peekable();
    let first = names.peek().map(|(name, _)| name.clone()).unwrap_or_default();
    names
        .find_map(|(name, told_by)| {
            let event = directory.event_alias(&name).or_else(|| catalogue::find(&name))?;
            Some((name, Some(event), told_by))
        })
        .unwrap_or((first, None, ToldBy::Us))
}

/// The signed body's company comes first, then the only tenant the subscription serves, then the header. A legacy item has no
/// header to believe.
fn tenant_of(delivery: &Delivery, company: Option<&str>, directory: &impl Directory) -> (Option<String>, ToldBy) {
    let settled =
        company.and_then(|company| directory.tenant_of_company(company)).or_else(|| delivery.meta.tenant.clone());
    if settled.is_some() || delivery.meta.channel == Channel::Legacy {
        return (settled.filter(|tenant| is_name(tenant)), ToldBy::Us);
    }
    let header = delivery.header("x-vwd-tenant-id").filter(|tenant| is_name(tenant));
    // Nobody is called what the ledger calls nobody.
    let header = header.map(str::to_lowercase).filter(|tenant| tenant != UNKNOWN_TENANT);
    (header, ToldBy::Header)
}

fn key_of(entity: Entity, fields: &Fields<'_>) -> Option<String> {
    let specific: &[&str] = match entity {
        Entity::Account => &["accountCd", "account"],
        Entity::Customer => &["customerCd", "customerNumber"],
        Entity::Employee => &["employeeCd", "employeeNumber"],
        Entity::InventoryItem => &["inventoryNumber", "inventoryCd"],
        Entity::Supplier => &["supplierCd", "supplierNumber"],
        Entity::Project => &["projectId", "projectCd"],
        Entity::PurchaseOrder | Entity::SalesOrder => &["orderNumber", "orderNbr", "orderId"],
        Entity::CustomerInvoice | Entity::SupplierInvoice => &["invoiceNumber", "refNbr"],
        Entity::Shipment => &["shipmentNumber", "shipmentNbr"],
        Entity::Voucher => &["refNumber", "voucherNumber"],
        Entity::BackgroundOperation => &["id", "reference"],
        _ => &[],
    };
    let key = fields.text(specific).or_else(|| fields.text(&["entityId", "number", "refNbr", "refNumber", "id"]))?;
    match (entity, fields.text(&["orderType", "type"])) {
        (Entity::SalesOrder, Some(order_type)) => Some(format!("{order_type}/{key}")),
        _ => Some(key),
    }
}

fn status_of(event: Option<&'static EventType>, fields: &Fields<'_>) -> Option<String> {
    event.and_then(EventType::implied_status).or_else(|| fields.text(&["status", "documentStatus", "newStatus"]))
}

fn moment(text: &str) -> Option<Ticks> {
    match text.parse::<i64>() {
        Ok(number) => Ticks::from_number(number),
        Err(_) => Ticks::parse_round_trip(text),
    }
}

fn short(text: Option<String>) -> Option<String> {
    text.map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_LENGTH).collect())
}

/// Kept and shown as text. Bytes that are none are replaced, and that must not make JSON of it, which a replay would act on.
fn unreadable(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("\u{fffd}{}", String::from_utf8_lossy(body)),
    }
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
