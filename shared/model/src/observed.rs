//! What a delivery, a notification or an answer shows about the open questions
//! (docs/visma-net.md#open-questions). Facts have names, types, units and counts, never a value
//! that may be personal.

use crate::clock::Written;
use crate::delivery::{Channel, Delivery, Origin};
use crate::measure::{self, Unit};
use crate::notification::{Directory, Notification};
use crate::open_question::OpenQuestion;
use crate::resource::Resource;
use crate::resource_path::{Api, ResourcePath};
use crate::shape::{HIDDEN_NAME, Shape, is_harmless};
use crate::zone::Zone;
use crate::{Entity, Kind, catalogue, zone_offset};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr};
use time::{Duration, OffsetDateTime};

const EVENT_ID: &str = "x-vwd-event-id";
const TENANT_ID: &str = "x-vwd-tenant-id";
const SIGNATURE: &str = "x-vwd-signature-v1";
const SIGNATURES: &str = "x-vwd-signature-";
const NOTIFICATION_TIMESTAMP: &str = "x-vwd-notification-timestamp";
const WEBHOOK_TIMESTAMP: &str = "x-vwd-webhook-timestamp";
/// The headers that the product depends on.
const NEEDED: [&str; 3] = ["event-id", "notification-id", "tenant-id"];
/// The addresses of the dispatcher (docs/visma-net.md#subscriptions).
pub const PUBLISHED: [Ipv4Addr; 3] =
    [Ipv4Addr::new(18, 202, 121, 26), Ipv4Addr::new(34, 242, 104, 102), Ipv4Addr::new(54, 220, 26, 45)];
/// A change is fresh if its notification was made at most this long ago.
const FRESH: Duration = Duration::minutes(2);
const LONGEST_SUBJECT: usize = 64;
const LONGEST_VALUE: usize = 1024;
/// Lengths of descriptions that Visma Net accepted.
const LENGTHS: [usize; 2] = [128, 255];

/// An observation about a question and a subject (an event, a header, an API; or none).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    pub question: OpenQuestion,
    pub subject: String,
    pub value: String,
}

impl Fact {
    /// Distinguishes the facts of one question: 16 hex digits.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(format!("{}\n{}", self.subject, self.value));
        digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A fact, and whether it matches what the product assumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub fact: Fact,
    pub agrees: bool,
}

impl Sighting {
    fn new(question: OpenQuestion, subject: &str, value: impl Into<String>, agrees: bool) -> Self {
        let (mut subject, mut value) = (subject.to_owned(), value.into());
        subject.truncate(subject.floor_char_boundary(LONGEST_SUBJECT));
        value.truncate(value.floor_char_boundary(LONGEST_VALUE));
        Self { fact: Fact { question, subject, value }, agrees }
    }
}

/// Whether the product may learn from a delivery: its body is signed, and it is neither our own nor
/// a repetition of our own.
pub fn is_proven(delivery: &Delivery) -> bool {
    delivery.meta.channel == Channel::Dispatcher && delivery.meta.origin == Origin::Webhook
}

/// The observations of a delivery as a whole. Empty for an unproven one.
pub fn of_delivery(delivery: &Delivery, directory: &impl Directory) -> Vec<Sighting> {
    if !is_proven(delivery) {
        return vec![];
    }
    let mut seen = vec![
        form_of(&delivery.body),
        Sighting::new(OpenQuestion::BodySize, "", measure::size(delivery.body.len()), true),
        headers_of(delivery),
    ];
    let name = delivery.header(EVENT_ID);
    seen.extend(name.map(|name| event_name("header", name, knows(directory, name))));
    seen.extend(times_of(delivery));
    seen.extend(signatures_of(delivery));
    seen.extend(delivery.meta.sent_from.map(source));
    seen.extend(delivery.meta.refused_at.map(|at| after_refusal(delivery, at)));
    seen.push(delivers(&delivery.meta.subscription));
    seen.extend(delivery.meta.secret.as_deref().map(|secret| older_secret(&delivery.meta.subscription, secret)));
    seen
}

/// The subscription, by its id in the settings, has delivered something.
pub fn delivers(subscription: &str) -> Sighting {
    Sighting::new(OpenQuestion::Subscriptions, subscription, "delivers", true)
}

/// A secret of the subscription was used although there is a newer one. Both ids are those in the
/// settings.
pub fn older_secret(subscription: &str, secret: &str) -> Sighting {
    Sighting::new(OpenQuestion::SecretRotation, subscription, format!("old secret {secret} used"), true)
}

/// The observations of a notification in a proven delivery.
pub fn of_notification(n: &Notification, delivery: &Delivery) -> Vec<Sighting> {
    if !is_proven(delivery) || n.entity == Entity::Unparseable {
        return vec![];
    }
    let mut seen = vec![];
    if !n.event_raw.is_empty() && delivery.header(EVENT_ID) != Some(&n.event_raw) {
        seen.push(event_name("body or subscription", &n.event_raw, n.event.is_some()));
    }
    if let Some(shape) = Shape::of(&n.raw) {
        let event = n.event.map_or_else(|| harmless(&n.event_raw), |event| event.id.to_owned());
        let shape = shape.without_names_that_may_be_values().to_string();
        seen.push(Sighting::new(OpenQuestion::BodyShape, &event, shape, is_identified(n)));
    }
    if n.kind == Kind::Action {
        let found = n.parameter.is_some();
        let value = if found { "in a known field" } else { "in no known field" };
        seen.push(Sighting::new(OpenQuestion::ActionParameter, "", value, found));
    }
    seen
}

/// The zone of a resource's time, just fetched for a notification, if the header shows that the
/// change is fresh. `assumed` is the zone in which the product reads such times.
pub fn of_stamp(path: &ResourcePath, resource: &Resource, delivery: &Delivery, assumed: Zone) -> Option<Sighting> {
    let received = delivery.meta.received_at;
    let made = delivery.header(NOTIFICATION_TIMESTAMP).and_then(|text| measure::timestamp(text, received).1)?;
    if !is_proven(delivery) || (received - made).abs() > FRESH {
        return None;
    }
    let stamp = resource.modified_text()?;
    let (value, agrees) = match Written::parse(&stamp)? {
        Written::WithZone(_) => ("the time names its zone".to_owned(), true),
        Written::WithoutZone(_) => {
            let offset = zone_offset::observed(&stamp, received)?;
            (measure::offset_text(offset), offset == assumed.clock().offset_at(received))
        }
    };
    let api = match path.api() {
        Api::Finance => "finance",
        Api::SalesOrder => "sales order",
    };
    Some(Sighting::new(OpenQuestion::TimeZone, api, value, agrees))
}

/// The observations of a notification that came again, and of the time since it first came.
pub fn of_repetition(delivery: &Delivery, first_received: OffsetDateTime) -> Vec<Sighting> {
    if !is_proven(delivery) {
        return vec![];
    }
    let span = measure::span((delivery.meta.received_at - first_received).abs());
    vec![
        Sighting::new(OpenQuestion::Repetitions, "", "the same notification came again", true),
        Sighting::new(OpenQuestion::Retries, "between deliveries of one notification", span, true),
    ]
}

/// The observation of a notification that came after a newer one.
pub fn of_order(delivery: &Delivery) -> Option<Sighting> {
    let overtaken = || Sighting::new(OpenQuestion::Ordering, "", "a newer change of the same came first", true);
    is_proven(delivery).then(overtaken)
}

/// Whether calls with the token of a header's tenant are answered.
pub fn of_tenant(delivery: &Delivery, tenant: &str, is_answered: bool) -> Option<Sighting> {
    let is_named = delivery.header(TENANT_ID).is_some_and(|named| named.eq_ignore_ascii_case(tenant));
    let value = if is_answered { "calls with its token are answered" } else { "no token, or one that is refused" };
    (is_proven(delivery) && is_named).then(|| Sighting::new(OpenQuestion::TenantId, "", value, is_answered))
}

/// The id under which Visma Net accepted the feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Body,
    Header,
    /// There was only one.
    Only,
    /// None of them.
    Neither,
}

/// The observations of a feedback that Visma Net accepted, or refused under every id. `is_first`
/// says whether the first id was accepted; `echoed` is the received source, if there was one.
pub fn of_feedback(taken: Taken, is_first: bool, echoed: Option<&str>, length: usize) -> Vec<Sighting> {
    let id = match taken {
        Taken::Body => "the body's",
        Taken::Header => "the header's",
        Taken::Only => "the only one",
        Taken::Neither => "none of those that came",
    };
    let is_taken = taken != Taken::Neither;
    let mut seen = vec![Sighting::new(OpenQuestion::FeedbackId, "", id, is_first && is_taken)];
    if is_taken {
        let source =
            echoed.map_or_else(|| "the configured name".to_owned(), |text| format!("as it came: {}", harmless(text)));
        let length = LENGTHS.into_iter().find(|most| length <= *most).unwrap_or(length);
        seen.push(Sighting::new(OpenQuestion::FeedbackSource, "", source, true));
        seen.push(Sighting::new(OpenQuestion::DescriptionLength, "", format!("at most {length} characters"), true));
    }
    seen
}

fn form_of(body: &[u8]) -> Sighting {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let (value, agrees) = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => ("an object", true),
        Some(b'[') => ("an array", true),
        Some(_) => ("neither an object nor an array", false),
        None => ("nothing", false),
    };
    Sighting::new(OpenQuestion::BodyForm, "", value, agrees)
}

fn headers_of(delivery: &Delivery) -> Sighting {
    let own = delivery.meta.headers.keys().filter_map(|name| name.strip_prefix("x-vwd-"));
    let own: Vec<&str> = own.map(|name| if is_harmless(name) { name } else { HIDDEN_NAME }).collect();
    let agrees = NEEDED.iter().all(|needed| own.contains(needed));
    Sighting::new(OpenQuestion::HeaderNames, "", own.join(", "), agrees)
}

fn times_of(delivery: &Delivery) -> Vec<Sighting> {
    let read = |name| delivery.header(name).map(|text| measure::timestamp(text, delivery.meta.received_at));
    let (made, sent) = (read(NOTIFICATION_TIMESTAMP), read(WEBHOOK_TIMESTAMP));
    let unit =
        |name, unit: Unit| Sighting::new(OpenQuestion::TimestampUnit, name, unit.as_str(), unit == Unit::Milliseconds);
    let both = [(NOTIFICATION_TIMESTAMP, made), (WEBHOOK_TIMESTAMP, sent)];
    let mut seen: Vec<Sighting> = both.into_iter().filter_map(|(name, read)| Some(unit(name, read?.0))).collect();
    if let (Some((_, Some(made))), Some((_, Some(sent)))) = (made, sent) {
        let span = measure::span((sent - made).max(Duration::ZERO));
        seen.push(Sighting::new(OpenQuestion::Retries, "from a notification to its delivery", span, true));
    }
    seen
}

fn signatures_of(delivery: &Delivery) -> impl Iterator<Item = Sighting> {
    let all = delivery.meta.headers.iter().filter(|(name, _)| name.starts_with(SIGNATURES));
    all.map(|(name, value)| {
        let form = measure::signature(value);
        let agrees = name == SIGNATURE && form == "base64, 44 characters";
        Sighting::new(OpenQuestion::SignatureForm, &harmless(name), form, agrees)
    })
}

fn after_refusal(delivery: &Delivery, refused_at: OffsetDateTime) -> Sighting {
    let span = measure::span((delivery.meta.received_at - refused_at).max(Duration::ZERO));
    Sighting::new(OpenQuestion::Retries, "between a refusal (503) and the next try", span, true)
}

/// Shows a published address by its name, since it is public, and any other by its digest.
fn source(digest: u16) -> Sighting {
    let published = PUBLISHED.into_iter().find(|address| measure::address_digest(IpAddr::V4(*address)) == digest);
    let value = published.map_or_else(|| format!("another ({digest:04x})"), |address| address.to_string());
    Sighting::new(OpenQuestion::SourceAddresses, "", value, published.is_some())
}

fn event_name(place: &str, name: &str, is_known: bool) -> Sighting {
    Sighting::new(OpenQuestion::EventNames, place, harmless(name), is_known)
}

fn knows(directory: &impl Directory, name: &str) -> bool {
    directory.event_alias(name).or_else(|| catalogue::find(name)).is_some()
}

/// Whether the notification identifies its entity.
fn is_identified(n: &Notification) -> bool {
    n.event.is_some() && n.unusable.is_none()
}

/// Shows a name if it cannot be anything else.
fn harmless(name: &str) -> String {
    let is_one = !name.is_empty() && name.split(' ').all(is_harmless);
    if is_one { name.to_owned() } else { HIDDEN_NAME.to_owned() }
}

#[cfg(test)]
#[path = "observed_tests.rs"]
mod tests;
