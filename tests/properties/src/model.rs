//! What the model reads: the message around a delivery, its notifications, and paths of resources.

use crate::world::{Parts, is_sqs_text};
use fixtures::TestHost;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use url::Url;
use webhooks_model::catalogue::find;
use webhooks_model::cloud_event::CloudEvent;
use webhooks_model::delivery::Meta;
use webhooks_model::feedback::FeedbackMode;
use webhooks_model::notification::{Directory, Proof, UNKNOWN_TENANT, is_name};
use webhooks_model::replay::Recorded;
use webhooks_model::{Channel, Delivery, Entity, EventType, LedgerKey, Notification, Origin, ResourcePath};

/// Longer texts are never paths.
const LONGEST_PATH: usize = 512;

pub fn envelope(input: &[u8]) {
    let sent = Delivery { meta: meta(Channel::Dispatcher), body: input.to_vec() };
    let message = sent.to_message();
    assert!(is_sqs_text(&message) || message.len() > 1024 * 1024, "SQS would not take it");
    assert_eq!(Delivery::from_message(&message).expect("our own message"), sent);
    items_lie_in_the_body(&sent);

    let read = str::from_utf8(input).ok().and_then(|text| Delivery::from_message(text).ok());
    if let Some(read) = read {
        assert_eq!(Delivery::from_message(&read.to_message()).expect("our own message"), read);
        items_lie_in_the_body(&read);
    }
}

fn items_lie_in_the_body(delivery: &Delivery) {
    let mut rest = str::from_utf8(&delivery.body).unwrap_or_default();
    for item in delivery.items().unwrap_or_default() {
        let at = rest.find(item).expect("an item is a part of the body, behind the one before");
        rest = &rest[at + item.len()..];
    }
}

pub(crate) fn meta(channel: Channel) -> Meta {
    Meta { channel, ..fixtures::meta(TestHost::START) }
}

/// Lines of the head: `legacy` as the first one, `event`, `tenant`, and any header of a delivery.
pub fn normaliser(input: &[u8]) {
    let parts = Parts::of(input);
    let channel = if parts.line == "legacy" { Channel::Legacy } else { Channel::Dispatcher };
    let mut meta = meta(channel);
    meta.event = parts.header("event").map(str::to_owned);
    meta.tenant = parts.header("tenant").filter(|tenant| is_name(tenant)).map(str::to_lowercase);
    meta.headers = parts.headers.iter().filter(|(name, _)| name.starts_with("x-")).cloned().collect();
    let delivery = Delivery { meta, body: parts.body.to_vec() };
    for n in read(&delivery) {
        stays_within_limits(&n);
        believes_no_more_than_is_signed(&n, &delivery);
        is_the_same_when_replayed(n);
    }
}

/// A directory like that of the settings.
struct Company;

impl Directory for Company {
    fn event_alias(&self, name: &str) -> Option<&'static EventType> {
        (name == "konto_endret").then(|| find("ACCOUNT_CHANGED"))?
    }

    fn tenant_of_company(&self, company: &str) -> Option<String> {
        (company == "1234567").then(|| "company".to_owned())
    }
}

fn read(delivery: &Delivery) -> Vec<Notification> {
    Notification::all_of(delivery, &Company)
}

fn stays_within_limits(n: &Notification) {
    let key = n.ledger_key();
    assert!(is_name(&key.entity.tenant), "{key:?}");
    assert!(!key.entity.key.is_empty() && key.entity.key.len() <= 256, "{key:?}");
    let written = serde_json::to_string(&key).expect("a key");
    assert_eq!(serde_json::from_str::<LedgerKey>(&written).expect("what was written"), key);
    assert!(n.event_raw.chars().count() <= 256);
    for text in [&n.previous_key, &n.source, &n.status, &n.parameter].into_iter().flatten() {
        assert!(text.chars().count() <= 256 && !text.contains(char::is_control), "{text:?}");
    }
    assert!(n.path.as_ref().is_none_or(|path| path.entity() == n.entity));
    assert_eq!(n.event.map_or(n.entity, |event| event.entity), n.entity);
    let event = CloudEvent::new(n, None, None, FeedbackMode::Automatic);
    let event = serde_json::to_value(event).expect("an event");
    for required in ["specversion", "id", "source", "type"] {
        assert!(event[required].as_str().is_some_and(|text| !text.is_empty()), "{required}: {event}");
    }
}

fn believes_no_more_than_is_signed(n: &Notification, delivery: &Delivery) {
    let told_by_us = [None, Some("company"), delivery.meta.tenant.as_deref()];
    match (delivery.meta.channel, n.proof) {
        (Channel::Legacy, proof) => {
            assert_eq!(proof, Proof::Nothing);
            assert!(told_by_us.contains(&n.tenant.as_deref()), "{:?}", n.tenant);
        }
        (Channel::Dispatcher, Proof::Signed) => {
            assert!(told_by_us.contains(&n.tenant.as_deref()), "{:?}", n.tenant);
            let of_subscription = delivery.meta.event.as_deref().is_some_and(|event| names(event, n));
            assert!(n.event.is_none() || of_subscription || named_in_body(n), "{:?}", n.event);
        }
        (Channel::Dispatcher, proof) => assert_eq!(proof, Proof::Headers),
    }
}

fn names(text: &str, n: &Notification) -> bool {
    Company.event_alias(text).or_else(|| find(text)) == n.event
}

/// Whether the item itself names the event, in any field and with any escapes.
fn named_in_body(n: &Notification) -> bool {
    // Reads the fields one by one, so that an error in an unused field does not matter.
    let fields: HashMap<String, &RawValue> = serde_json::from_str(&n.raw).unwrap_or_default();
    let is_name = |value: &Value| value.as_str().is_some_and(|text| names(text.trim(), n));
    let wraps_name = |value: &Value| value.as_object().is_some_and(|wrapped| wrapped.values().any(is_name));
    let values = fields.values().filter_map(|value| serde_json::from_str(value.get()).ok());
    values.into_iter().any(|value: Value| is_name(&value) || wraps_name(&value))
}

fn is_the_same_when_replayed(n: Notification) {
    let recorded = Recorded {
        key: n.ledger_key(),
        answer: n.answer,
        delivery: n.delivery,
        id_in_header: n.id_in_header.clone(),
        channel: n.channel,
        subscription: n.subscription.clone(),
        event: n.event_name().to_owned(),
        proof: n.proof,
        received_at: n.received_at,
        raw: n.raw.clone(),
    };
    assert!(
        recorded.key.entity.tenant != UNKNOWN_TENANT
            || n.tenant.as_deref().is_none_or(|tenant| tenant == UNKNOWN_TENANT)
    );
    let [again]: [Notification; 1] = read(&recorded.replay()).try_into().expect("one notification");
    // A replay is trusted at most as much as the original, and less if a header named the tenant.
    assert!(n.event_is_proven || !again.event_is_proven);
    let expected = Notification {
        origin: Origin::Replay,
        replays: Some(n.ledger_key()),
        event_raw: n.event_name().to_owned(),
        event_is_proven: again.event_is_proven,
        ..n
    };
    assert_eq!(Notification { event_raw: again.event_name().to_owned(), ..again }, expected);
}

pub fn legacy_array(input: &[u8]) {
    let mut meta = meta(Channel::Legacy);
    meta.headers.insert("x-vwd-tenant-id".into(), "of-a-header".into());
    let delivery = Delivery { meta, body: input.to_vec() };
    let notifications = read(&delivery);
    for n in &notifications {
        assert_eq!((n.channel, n.proof), (Channel::Legacy, Proof::Nothing));
        assert_ne!(n.tenant.as_deref(), Some("of-a-header"));
    }
    let text = str::from_utf8(input).ok().map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    match text.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Array(elements)) => {
            let as_read = |n: &Notification| serde_json::from_str(&n.raw).expect("an element of JSON is JSON");
            let read: Vec<Value> = notifications.iter().map(as_read).collect();
            // An element that is repeated under its own id is one notification.
            let mut left = elements.iter();
            assert!(read.iter().all(|one| left.any(|element| element == one)), "in order, as it came, none made up");
            assert!(elements.iter().all(|element| read.contains(element)), "none lost");
            for (n, element) in notifications.iter().zip(&read) {
                assert_eq!(n.entity == Entity::Unparseable, !element.is_object());
            }
        }
        Some(Value::Object(_)) => assert_eq!(notifications.len(), 1),
        // Nothing disappears silently, whatever the input.
        Some(_) | None => assert!(!notifications.is_empty() || is_array_that_another_parser_refuses(text)),
    }
}

/// Numbers beyond a double's range are valid JSON, but a parser that reads them fails.
fn is_array_that_another_parser_refuses(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_start().starts_with('['))
}

pub fn resource_path(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(path) = ResourcePath::parse(text) {
        stays_below_its_base(&path);
    }
    for entity in Entity::ALL {
        if let Some(path) = ResourcePath::for_entity(entity, text) {
            assert_eq!((path.entity(), path.key().as_deref()), (entity, Some(text)));
            stays_below_its_base(&path);
        }
    }
}

fn stays_below_its_base(path: &ResourcePath) {
    let shown = path.to_string();
    assert!(shown.is_ascii());
    for base in ["https://erp.example/", "https://erp.example:444/a/b/"] {
        let expected = format!("{base}{shown}");
        let base = Url::parse(base).expect("a base");
        // All ways to join it: as a link, as a text, and as the path of a URL.
        assert_eq!(base.join(&shown).expect("a link").as_str(), expected);
        assert_eq!(Url::parse(&expected).expect("a URL").as_str(), expected);
        let mut url = base.clone();
        url.set_path(&format!("{}{shown}", base.path()));
        assert_eq!(url.as_str(), expected);
    }
    if shown.len() <= LONGEST_PATH {
        assert_eq!(ResourcePath::parse(&shown).as_ref(), Ok(path));
    }
}
