//! What intake sends to the queue.

use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Delivery, Notification, NotificationKey, Origin};

const EVENTS: [(&str, &str); 3] = [
    ("text", include_str!("../data/text.json")),
    ("base64", include_str!("../data/base64.json")),
    ("invalid_utf8", include_str!("../data/invalid_utf8.json")),
];

/// The bytes in an event of API Gateway.
fn bytes(event: &str) -> Vec<u8> {
    let event: Value = serde_json::from_str(event).unwrap();
    let body = event["body"].as_str().unwrap();
    if event["isBase64Encoded"] == true { STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() }
}

#[tokio::test]
async fn the_exact_bytes_of_an_event_of_api_gateway_arrive() {
    for (name, event) in EVENTS {
        let world = World::new();
        let answer = world.handle(event).await;
        assert_eq!(answer.status, 202, "{name}: {answer:?}");
        assert_eq!(world.queue.delivery().body, bytes(event), "{name}");
    }
}

#[tokio::test]
async fn text_and_base64_of_the_same_bytes_are_the_same_delivery() {
    assert_eq!(bytes(EVENTS[0].1), bytes(EVENTS[1].1));
    let mut messages = Vec::new();
    for (_, event) in &EVENTS[..2] {
        let world = World::new();
        world.handle(event).await;
        messages.push(world.queue.sent()[0].body.clone());
    }
    assert_eq!(messages[0], messages[1]);
}

#[tokio::test]
async fn one_altered_byte_of_an_event_of_api_gateway_is_refused() {
    for (name, event) in EVENTS {
        let mut event: Value = serde_json::from_str(event).unwrap();
        let body = event["body"].as_str().unwrap().to_owned();
        let altered = if event["isBase64Encoded"] == true {
            body.replacen("ey", "ez", 1)
        } else {
            body.replacen("1920", "1921", 1)
        };
        assert_ne!(altered, body);
        event["body"] = altered.into();
        let world = World::new();
        let answer = world.handle(event.to_string()).await;
        answer.is_problem(401, "signature_mismatch");
        assert!(world.queue.sent().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn an_event_of_api_gateway_keeps_all_that_is_known_but_the_address() {
    let world = World::new();
    world.handle(EVENTS[0].1).await;
    let meta = world.queue.delivery().meta;
    assert_eq!((meta.id.as_u128(), meta.received_at), (1, START));
    assert_eq!((meta.channel, meta.origin), (Channel::Dispatcher, Origin::Webhook));
    assert_eq!((meta.subscription.as_str(), meta.event.as_deref()), ("accounts", Some("ACCOUNT_CHANGED")));
    let names: Vec<&str> = meta.headers.keys().map(String::as_str).collect();
    let expected = [
        "accept",
        "content-type",
        "user-agent",
        "x-amzn-trace-id",
        "x-vwd-application-id",
        "x-vwd-application-version",
        "x-vwd-event-id",
        "x-vwd-group-id",
        "x-vwd-notification-id",
        "x-vwd-notification-timestamp",
        "x-vwd-signature-v1",
        "x-vwd-subscription-id",
        "x-vwd-tenant-id",
        "x-vwd-webhook-timestamp",
    ];
    assert_eq!(names, expected);
    assert_eq!(meta.headers["x-vwd-event-id"], "ACCOUNT_CHANGED");
    assert!(!world.queue.sent()[0].body.contains("18.202.121.26"));
}

#[tokio::test]
async fn accepts_any_body_with_a_valid_signature() {
    for body in [&b""[..], b"not json", b"null", b"[]", b"\xff\xfe", b"\0", "\u{feff}{}".as_bytes()] {
        let world = World::new();
        world.accepts(Call::signed(ACCOUNTS_SECRET, body)).await;
        assert_eq!(world.queue.delivery().body, body);
    }
}

#[tokio::test]
async fn the_group_is_the_only_tenant_or_the_named_one_if_it_is_served() {
    let mut settings = settings();
    settings["subscriptions"][1]["tenants"] = serde_json::json!([TENANT, "7777"]);
    for (path, secret, named, group) in [
        ("/hooks/visma/sales", "sales-secret", "7777", TENANT),
        ("/hooks/visma/erp", ACCOUNTS_SECRET, "7777-ABC", "7777-abc"),
        ("/hooks/visma/erp", ACCOUNTS_SECRET, "", "unknown"),
        ("/hooks/visma/erp", ACCOUNTS_SECRET, "a name with spaces", "unknown"),
        ("/hooks/visma/erp", OTHER_SECRET, "7777", "7777"),
        ("/hooks/visma/erp", OTHER_SECRET, "8888", "unknown"),
    ] {
        let world = World::with(&settings);
        world.accepts(Call::signed(secret, b"{}").path(path).header("x-vwd-tenant-id", named)).await;
        assert_eq!(world.queue.sent()[0].group.as_deref(), Some(group), "{path} {named}");
        let sole = path.ends_with("sales").then(|| TENANT.to_owned());
        assert_eq!(world.queue.delivery().meta.tenant, sole, "{path} {named}");
    }
}

/// Of the last message sent.
fn refused_at(world: &World) -> Option<OffsetDateTime> {
    let sent = world.queue.sent();
    Delivery::from_message(&sent.last().unwrap().body).unwrap().meta.refused_at
}

#[tokio::test]
async fn a_retried_delivery_has_the_time_of_its_refusal() {
    let world = World::new();
    let call = || Call::signed(ACCOUNTS_SECRET, b"{\"a\": 1}");
    world.queue.set_mood(Mood::Refuses);
    world.refuses(call(), 503, "queue_unavailable").await;
    world.clock.advance(Duration::seconds(7));
    world.refuses(call(), 503, "queue_unavailable").await;
    world.queue.set_mood(Mood::Takes);
    world.clock.advance(Duration::minutes(2));
    for (other, why) in [
        (Call::signed(ACCOUNTS_SECRET, b"{\"a\": 2}"), "another body"),
        (Call::signed(OTHER_SECRET, b"{\"a\": 1}"), "another subscription"),
    ] {
        world.accepts(other).await;
        assert_eq!(refused_at(&world), None, "{why}");
    }
    world.accepts(call()).await;
    assert_eq!(refused_at(&world), Some(START + Duration::seconds(7)), "the last refusal counts");
    world.accepts(call()).await;
    assert_eq!(refused_at(&world), None, "it is told once");
}

#[tokio::test]
async fn an_unknown_senders_refusal_is_not_remembered() {
    let world = World::new();
    world.refuses(Call::signed("wrong", b"{}"), 401, "signature_mismatch").await;
    world.accepts(Call::signed(ACCOUNTS_SECRET, b"{}")).await;
    assert_eq!(refused_at(&world), None);
}

#[tokio::test]
async fn only_the_latest_64_refusals_are_remembered() {
    let world = World::new();
    let call = |number: usize| Call::signed(ACCOUNTS_SECRET, number.to_string().as_bytes());
    world.queue.set_mood(Mood::Refuses);
    for number in 0..65 {
        world.refuses(call(number), 503, "queue_unavailable").await;
    }
    world.queue.set_mood(Mood::Takes);
    for (number, remembered) in [(0, None), (1, Some(START)), (64, Some(START))] {
        world.accepts(call(number)).await;
        assert_eq!(refused_at(&world), remembered, "{number}");
    }
}

#[tokio::test]
async fn a_captured_delivery_under_altered_headers_is_the_same_notification() {
    let body = bytes(EVENTS[0].1);
    let mut keys: Vec<NotificationKey> = Vec::new();
    for (id, tenant) in
        [("0d9c4f3e-5b0a-4c57-9f41-2f1c1f0a7b10", TENANT), ("11111111-1111-4111-8111-111111111111", "other")]
    {
        let world = World::new();
        let call = Call::signed(ACCOUNTS_SECRET, &body).header("x-vwd-notification-id", id);
        world.accepts(call.header("x-vwd-tenant-id", tenant).header("x-vwd-event-id", tenant)).await;
        let delivery = world.queue.delivery();
        let items = delivery.items().unwrap();
        keys.push(Notification::read(&delivery, items[0], &NoDirectory).key);
    }
    assert_eq!(keys[0], keys[1]);
}
