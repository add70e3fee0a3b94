//! One item of a delivery, normalised (docs/visma-net.md#bodies): what changed, for which tenant,
//! and how reliable that is.

use crate::catalogue::{self, Entity, EventType, Kind, NotificationType};
use crate::clock::{Clock, Stamp};
use crate::delivery::{AnswerRole, Channel, Delivery, Origin};
pub use crate::directory::{DEFAULT_MAX_ITEMS, Directory, NoDirectory};
use crate::fields::Fields;
use crate::head::EntityId;
use crate::identity::{NotificationKey, SenderId};
use crate::ledger::{LedgerKey, Reason};
use crate::mapping::{self, Mapped};
use crate::resource_path::{Api, ResourcePath};
use crate::subject::Subject;
use crate::text::{LONGEST_TEXT, cut, fits};
use crate::ticks::Ticks;
use crate::words::words;
use crate::zone::Zone;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// The longest text of a body with invalid bytes. A replay of it fits into a message of SQS, also
/// in base64.
const LONGEST_REPLACED: usize = 768_000;
pub use crate::text::is_name;

/// The tenant of notifications without one.
pub const UNKNOWN_TENANT: &str = "unknown";

words! {
    /// How reliable the event and the tenant are. Only bodies are signed
    /// (docs/visma-net.md#delivery-request).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Proof {
        /// Both come from the signed body, from the proven subscription, or from our settings.
        Signed = "signed",
        /// The body is signed, but one of them comes from a header, which anyone could have
        /// altered.
        Headers = "headers",
        /// Nothing is signed: the legacy channel.
        Nothing = "nothing",
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub key: NotificationKey,
    pub delivery: Uuid,
    pub channel: Channel,
    pub origin: Origin,
    /// The record that it continues: the replayed one, or one that an attempt with other settings
    /// left under another key.
    pub replays: Option<LedgerKey>,
    pub proof: Proof,
    pub subscription: String,
    pub received_at: OffsetDateTime,
    /// `None` when nothing names a tenant.
    pub tenant: Option<String>,
    /// `contextId`: the company's number in the legacy channel.
    pub company: Option<String>,
    /// The event's name as received.
    pub event_raw: String,
    pub event: Option<&'static EventType>,
    pub entity: Entity,
    pub kind: Kind,
    /// Whether the event comes from the signed body or from the subscription. Anyone could have
    /// sent a header.
    pub event_is_proven: bool,
    pub id_in_body: Option<SenderId>,
    pub id_in_header: Option<SenderId>,
    pub answer: AnswerRole,
    pub path: Option<ResourcePath>,
    pub entity_key: Option<String>,
    /// Why it cannot be acted on, as far as its own text shows.
    pub unusable: Option<Reason>,
    /// `None` in an unsigned body, like the next two. Only the ERP can confirm them.
    pub previous_key: Option<String>,
    pub status: Option<String>,
    /// The free text configured for an action (docs/visma-net.md#custom-actions).
    pub parameter: Option<String>,
    pub source: Option<String>,
    /// The timestamp of the body.
    pub occurred_at: Option<Ticks>,
    /// The exact text of the item.
    pub raw: String,
}

impl Notification {
    /// Reads one of [`Delivery::items`]. Never fails: it may be `unparseable` or `unmapped`.
    pub fn read(delivery: &Delivery, item: &str, directory: &impl Directory) -> Self {
        let Some(fields) = Fields::parse(item) else {
            return Self::unparseable(delivery, item);
        };
        let (event_raw, event, event_told_by) = event_of(delivery, &fields, directory);
        let entity = event.map_or(Entity::Unmapped, |event| event.entity);
        let mapped = Mapped::new(directory.fields(), event, &fields);
        let Subject { key: entity_key, path, unusable } = Subject::of(entity, &fields, mapped.key());
        let company = mapped.text(|rule| &rule.company, &["contextId", "companyId"]).filter(|text| is_name(text));
        let (tenant, tenant_told_by) = tenant_of(delivery, company.as_deref(), directory);
        let signed = |text: Option<String>| short(text.filter(|_| delivery.meta.channel != Channel::Legacy));
        let previous_key = fields.text(&["previousKey", "oldKey", "previousAccountCd", "oldAccountCd", "oldValue"]);
        let zone = directory.zone(path.as_ref().map_or(Api::Finance, ResourcePath::api));
        Self {
            proof: proof(delivery, &[event_told_by, tenant_told_by]),
            event,
            entity,
            kind: event.map_or(Kind::Unknown, |event| event.kind),
            event_is_proven: event.is_some()
                && event_told_by == ToldBy::Us
                && delivery.meta.channel == Channel::Dispatcher,
            tenant,
            company,
            id_in_body: mapped.text(|rule| &rule.id, &["notificationId"]).and_then(|id| SenderId::new(&id)),
            path,
            entity_key,
            unusable,
            previous_key: signed(previous_key.filter(|key| fits(key))),
            source: short(fields.text(&["source"])),
            status: signed(status_of(event, &fields, &mapped)),
            parameter: signed(
                mapped.text(|rule| &rule.parameter, &["parameter", "webhookParameter", "actionParameter", "message"]),
            ),
            occurred_at: mapped.first(
                |rule| &rule.time,
                &["timeStamp", "occurredAt", "changedAt", "lastModifiedDateTime"],
                |text| moment(text, zone, delivery.meta.received_at),
            ),
            ..Self::bare(delivery, item, event_raw)
        }
        .with_key(None)
    }

    /// A body, or an element of one, that is not a JSON object.
    pub(crate) fn unparseable(delivery: &Delivery, text: &str) -> Self {
        let named = delivery.meta.event.as_deref().or_else(|| delivery.header("x-vwd-event-id")).unwrap_or_default();
        let bare = Self::bare(delivery, text, named.to_owned());
        let (tenant, told_by) = tenant_of(delivery, None, &NoDirectory);
        Self { entity: Entity::Unparseable, tenant, proof: proof(delivery, &[told_by]), ..bare }.with_key(None)
    }

    /// A body with more items than allowed, kept whole.
    pub(crate) fn too_many(delivery: &Delivery) -> Self {
        let whole = Self::unparseable(delivery, &unreadable(&delivery.body));
        Self { entity: Entity::Unmapped, unusable: Some(Reason::TooManyItems), ..whole }
    }

    fn bare(delivery: &Delivery, item: &str, event_raw: String) -> Self {
        let meta = &delivery.meta;
        Self {
            key: NotificationKey::new(&[], "", None),
            delivery: meta.id,
            channel: meta.channel,
            origin: meta.origin,
            replays: meta.replays.clone().filter(|_| meta.origin == Origin::Replay),
            proof: Proof::Nothing,
            subscription: meta.subscription.clone(),
            received_at: meta.received_at,
            tenant: None,
            company: None,
            event_raw: event_raw.chars().take(LONGEST_TEXT).collect::<String>().trim_end().to_owned(),
            event: None,
            entity: Entity::Unmapped,
            kind: Kind::Unknown,
            event_is_proven: false,
            id_in_body: None,
            id_in_header: delivery.header("x-vwd-notification-id").and_then(SenderId::new),
            answer: AnswerRole::Own,
            path: None,
            entity_key: None,
            unusable: None,
            previous_key: None,
            source: None,
            status: None,
            parameter: None,
            occurred_at: None,
            raw: item.to_owned(),
        }
    }

    /// `copy` distinguishes equal items of one delivery that have no ids.
    pub(crate) fn with_key(mut self, copy: Option<usize>) -> Self {
        let id = self.sender_id().map(SenderId::as_str).unwrap_or_default();
        let id = copy.map_or_else(|| id.to_owned(), |copy| format!("{copy}-{id}"));
        self.key = NotificationKey::new(self.raw.as_bytes(), self.event_name(), Some(&id));
        self
    }

    /// Takes the copy number of another key of the same notification. The key may have cut the end
    /// of the id, which the number made too long.
    pub(crate) fn keep_number(&mut self, other: &NotificationKey) {
        let Some((copy, _)) = other.id().split_once('-') else { return };
        let Ok(copy) = copy.parse::<usize>() else { return };
        let numbered = self.clone().with_key(Some(copy));
        if numbered.key.id() == other.id() {
            *self = numbered;
        }
    }

    /// The sender's id, from the body or else from the header.
    pub fn sender_id(&self) -> Option<&SenderId> {
        self.id_in_body.as_ref().or(self.id_in_header.as_ref())
    }

    /// The id under which its answer goes out, if it shares that with other items: the body's, or else
    /// the header's, if Visma Net can know it.
    pub fn answer_id(&self) -> Option<Uuid> {
        let uuid = |id: &Option<SenderId>| id.as_ref().and_then(SenderId::uuid);
        uuid(&self.id_in_body).or_else(|| uuid(&self.id_in_header))
    }

    /// The key in the ledger. A notification without an entity key gets a partition of its own, so
    /// that malformed ones do not share a hot partition.
    pub fn ledger_key(&self) -> LedgerKey {
        let key = match &self.entity_key {
            Some(key) => key.clone(),
            None => format!("~{}", &self.key.content()[..16]),
        };
        let tenant = self.tenant.clone().unwrap_or_else(|| UNKNOWN_TENANT.to_owned());
        LedgerKey { entity: EntityId { tenant, entity: self.entity, key }, notification: self.key.clone() }
    }

    /// The record that it continues, if the settings now read it under another key.
    pub fn moved_from(&self) -> Option<&LedgerKey> {
        self.replays.as_ref().filter(|old| **old != self.ledger_key())
    }

    pub fn notification_type(&self) -> Option<NotificationType> {
        self.event.map(EventType::notification_type)
    }

    /// The name to show and to publish: the catalogue's, or else the received one.
    pub fn event_name(&self) -> &str {
        self.event.map_or(&self.event_raw, |event| event.id)
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

/// The body's word for the event comes first, for it is signed; then the subscription, which the
/// secret proves; then the header.
fn event_of(
    delivery: &Delivery,
    fields: &Fields<'_>,
    directory: &impl Directory,
) -> (String, Option<&'static EventType>, ToldBy) {
    let in_body = mapping::event_name(directory.fields(), fields)
        .or_else(|| fields.text(&["event", "eventType", "eventName", "eventId", "action"]));
    let subscribed = if delivery.meta.shared_secret { ToldBy::Header } else { ToldBy::Us };
    let names = [
        (in_body, ToldBy::Us),
        (delivery.meta.event.clone(), subscribed),
        (delivery.header("x-vwd-event-id").map(str::to_owned), ToldBy::Header),
    ];
    let mut names = names.into_iter().filter_map(|(name, told_by)| Some((name?, told_by))).peekable();
    // An unknown name counts too: newer settings may know it at a replay.
    let (first, first_told_by) = names.peek().cloned().unwrap_or((String::new(), ToldBy::Us));
    names
        .find_map(|(name, told_by)| {
            let event = directory.event_alias(&name).or_else(|| catalogue::find(&name))?;
            Some((name, Some(event), told_by))
        })
        .unwrap_or((first, None, first_told_by))
}

/// The signed body's company comes first, then the only tenant the subscription serves, then the
/// header. A legacy item has no header to believe. The only tenant is no more than a hint if the
/// header names another: the portal may send the deliveries of all tenants there
/// (docs/visma-net.md#subscriptions).
fn tenant_of(delivery: &Delivery, company: Option<&str>, directory: &impl Directory) -> (Option<String>, ToldBy) {
    let in_body = company.and_then(|company| directory.tenant_of_company(company));
    if in_body.is_some() {
        return (in_body.filter(|tenant| is_name(tenant)), ToldBy::Us);
    }
    let header = delivery.header("x-vwd-tenant-id").filter(|_| delivery.meta.channel != Channel::Legacy);
    let header = header.filter(|tenant| is_name(tenant)).map(str::to_lowercase);
    let Some(only) = delivery.meta.tenant.clone() else {
        // `unknown` is reserved for notifications without a tenant.
        return (header.filter(|tenant| tenant != UNKNOWN_TENANT), ToldBy::Header);
    };
    let is_hint = delivery.meta.shared_secret || header.is_some_and(|tenant| tenant != only);
    (Some(only).filter(|tenant| is_name(tenant)), if is_hint { ToldBy::Header } else { ToldBy::Us })
}

fn status_of(event: Option<&'static EventType>, fields: &Fields<'_>, mapped: &Mapped<'_>) -> Option<String> {
    mapped
        .said(|rule| &rule.status)
        .or_else(|| event?.implied_status())
        .or_else(|| fields.text(&["status", "documentStatus", "newStatus"]))
}

/// A text without a zone is what the clock of `zone` showed. A number is taken for UTC: the zone of
/// .NET ticks is unknown (docs/visma-net.md#open-questions, question 10).
fn moment(text: &str, zone: Zone, received_at: OffsetDateTime) -> Option<Ticks> {
    let clock = Clock::new(zone, received_at);
    match text.parse() {
        Ok(number) => clock.read_number(number),
        Err(_) => clock.read(text).map(Stamp::at),
    }
}

fn short(text: Option<String>) -> Option<String> {
    text.map(|text| cut(&text, LONGEST_TEXT))
}

/// Kept and shown as text. Bytes that are none are replaced, and that must not make JSON of it,
/// which a replay would act on. The replacements are longer, so the end may be left out.
pub(crate) fn unreadable(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let mut text = format!("\u{fffd}{}", String::from_utf8_lossy(body));
            text.truncate(text.floor_char_boundary(LONGEST_REPLACED));
            text
        }
    }
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
