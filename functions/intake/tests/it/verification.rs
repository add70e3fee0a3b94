//! Accepts only verified requests, and finds the right subscription. No request causes a panic.

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::future::Future;
use time::Duration;
use webhooks_model::Channel;

const BODY: &[u8] = br#"{"event":"ACCOUNT_CHANGED"}"#;
const SUBSCRIPTION_ID: &str = "x-vwd-subscription-id";
const SIGNATURE: &str = "x-vwd-signature-v1";

fn signed() -> Call {
    Call::signed(ACCOUNTS_SECRET, BODY)
}

#[tokio::test]
async fn the_published_vectors_are_accepted() {
    for (body, signature) in [
        ("{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        (
            r#"[{"notificationId":"00000000-0000-0000-0000-000000000001","contextId":"1234567","event":"salesorder_changed"}]"#,
            "+HjiJivf36BJBZ0BMmj7A8tU/Zt4CLyXcla8qUiDa/c=",
        ),
    ] {
        let world = World::new();
        let call = Call::new("POST", "/hooks/visma/erp").body(body.as_bytes()).header(SIGNATURE, signature);
        world.accepts(call).await;
        assert_eq!(world.queue.delivery().body, body.as_bytes());
    }
}

#[tokio::test]
async fn missing_malformed_and_wrong_signatures_get_different_codes() {
    let world = World::new();
    world.refuses(signed().without(SIGNATURE), 401, "signature_missing").await;
    for blank in ["", "  "] {
        world.refuses(signed().header(SIGNATURE, blank), 401, "signature_missing").await;
    }
    let good = sign(ACCOUNTS_SECRET, BODY);
    for malformed in ["x", "AAAA", good.trim_end_matches('='), &format!("{good},{good}"), &format!("sha256={good}")] {
        world.refuses(signed().header(SIGNATURE, malformed), 401, "signature_malformed").await;
    }
    world.refuses(signed().header(SIGNATURE, &sign("wrong", BODY)), 401, "signature_mismatch").await;
    world.refuses(signed().body(b"{}"), 401, "signature_mismatch").await;
}

#[tokio::test]
async fn a_signature_given_twice_is_refused_even_if_one_is_right() {
    let world = World::new();
    for other in ["wrong", ACCOUNTS_SECRET] {
        let call = signed().header(&SIGNATURE.to_uppercase(), &sign(other, BODY));
        world.refuses(call, 401, "signature_malformed").await;
    }
}

#[tokio::test]
async fn the_subscription_is_the_one_whose_secret_made_the_signature() {
    for (secret, subscription, event) in
        [(ACCOUNTS_SECRET, "accounts", "ACCOUNT_CHANGED"), (OTHER_SECRET, "customers", "CUSTOMER_CHANGED")]
    {
        for named in
            [None, Some(subscription), Some(&*subscription.to_uppercase()), Some("someone-else"), Some("orders")]
        {
            let world = World::new();
            let call = Call::signed(secret, BODY).header("x-vwd-event-id", "SUPPLIER_CHANGED");
            world.accepts(named.map_or(call.clone(), |id| call.header(SUBSCRIPTION_ID, id))).await;
            let meta = world.queue.delivery().meta;
            assert_eq!((meta.subscription.as_str(), meta.event.as_deref()), (subscription, Some(event)), "{named:?}");
        }
    }
}

#[tokio::test]
async fn a_known_subscription_in_the_header_must_match_the_signature() {
    let world = World::new();
    let call = Call::signed(OTHER_SECRET, BODY).header(SUBSCRIPTION_ID, "accounts");
    world.refuses(call, 401, "signature_mismatch").await;
}

#[tokio::test]
async fn rejects_a_secret_of_another_route() {
    let world = World::new();
    for path in ["/hooks/visma/sales", "/hooks/visma/erp"] {
        let secret = if path.ends_with("erp") { "sales-secret" } else { ACCOUNTS_SECRET };
        let call = Call::signed(secret, BODY).path(path).header(SUBSCRIPTION_ID, "orders");
        world.refuses(call, 401, "signature_mismatch").await;
    }
    // The legacy channel's route name does not replace its token.
    world.refuses(signed().path("/hooks/visma/legacy"), 404, "route_unknown").await;
}

#[tokio::test]
async fn accepts_both_live_secrets() {
    let world = World::with(&settings_with_secrets(json!([secret("2026-11", "old"), secret("2026-12", "new")])));
    for secret in ["old", "new"] {
        world.accepts(Call::signed(secret, BODY)).await;
    }
    assert_eq!(world.settings.readings(), 1);
}

#[tokio::test]
async fn the_message_names_an_older_secret_and_never_its_value() {
    let secrets = json!([secret("2026-11", "old-value"), secret("2026-12", "new-value")]);
    for (value, named) in [("old-value", Some("2026-11")), ("new-value", None)] {
        let world = World::with(&settings_with_secrets(secrets.clone()));
        world.accepts(Call::signed(value, BODY)).await;
        assert_eq!(world.queue.delivery().meta.secret.as_deref(), named, "{value}");
        assert!(!world.queue.sent()[0].body.contains("-value"));
    }
}

#[tokio::test]
async fn accepts_a_secret_until_it_expires() {
    let end = "2026-11-23T12:02:00Z";
    let secrets = json!([{"id": "2026-11", "value": "old", "expires_at": end}, secret("2026-12", "new")]);
    let world = World::with(&settings_with_secrets(secrets));
    world.accepts(Call::signed("old", BODY)).await;
    world.clock.advance(Duration::minutes(2));
    world.refuses(Call::signed("old", BODY), 401, "signature_mismatch").await;
    world.accepts(Call::signed("new", BODY)).await;
}

#[tokio::test]
async fn a_secret_is_rotated_without_a_restart() {
    let world = World::new();
    world.accepts(signed()).await;
    world.clock.advance(Duration::seconds(31));
    world.settings.put(settings_with_secrets(json!([secret("2026-12", "brand-new")])));
    world.accepts(Call::signed("brand-new", BODY)).await;
    assert_eq!(world.settings.readings(), 2);
    world.refuses(signed(), 401, "signature_mismatch").await;
}

#[tokio::test]
async fn a_new_route_and_a_new_token_are_found_without_a_restart() {
    let world = World::new();
    world.accepts(signed()).await;
    let mut newer = settings();
    newer["subscriptions"][0]["route"] = json!("finance");
    world.settings.put(newer.clone());
    world.clock.advance(Duration::seconds(31));
    world.accepts(signed().path("/hooks/visma/finance")).await;

    let token = "a-new-token-of-32-characters-or-more";
    newer["subscriptions"][3]["path_token"] = json!(token);
    world.settings.put(newer);
    world.clock.advance(Duration::seconds(31));
    world.accepts(Call::legacy(token, BODY)).await;
    assert_eq!(world.settings.readings(), 3);
}

#[tokio::test]
async fn a_flood_of_forgeries_causes_at_most_one_reading() {
    let world = World::new();
    world.accepts(signed()).await;
    world.clock.advance(Duration::seconds(31));
    for number in 0..300 {
        let body = format!("{{\"n\":{number}}}");
        match number % 3 {
            0 => world.refuses(signed().body(body.as_bytes()), 401, "signature_mismatch").await,
            1 => world.refuses(signed().path(&format!("/hooks/visma/r{number}")), 404, "route_unknown").await,
            _ => world.refuses(Call::legacy(&format!("t{number}"), BODY), 404, "route_unknown").await,
        };
    }
    assert_eq!(world.settings.readings(), 2);
    world.accepts(signed()).await;
}

#[tokio::test]
async fn unreadable_settings_keep_old_secrets_valid_and_answer_503_to_others() {
    let world = World::new();
    world.accepts(signed()).await;
    world.settings.clear();
    world.clock.advance(Duration::minutes(10));
    world.accepts(signed()).await;
    // The settings that cannot be read may have this secret, so the sender has to retry.
    world.refuses(Call::signed("new", BODY), 503, "settings_unavailable").await;
}

#[tokio::test]
async fn accepts_a_legacy_delivery_by_its_token() {
    let world = World::new();
    world.accepts(Call::legacy(TOKEN, b"[]").header("x-vwd-tenant-id", TENANT)).await;
    let meta = world.queue.delivery().meta;
    assert_eq!((meta.channel, meta.subscription.as_str(), meta.tenant), (Channel::Legacy, "older", None));
    assert_eq!(world.queue.sent()[0].group.as_deref(), Some("unknown"));
    for token in [&TOKEN[1..], &format!("{TOKEN}x"), &TOKEN.to_lowercase(), "0", "%00"] {
        world.refuses(Call::legacy(token, b"[]"), 404, "route_unknown").await;
    }
    world.refuses(Call::legacy("", b"[]"), 404, "route_unknown").await;
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/hooks/visma/erp".to_owned()),
        Just("/hooks/visma/sales".to_owned()),
        "/hooks/visma/legacy/[!-~&&[^#?/]]{1,40}",
        "/[!-~&&[^#?]]{0,40}",
    ]
}

/// Any text may be in an event, also headers that `http` libraries refuse.
fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("x-vwd-signature-v1".to_owned()),
        Just("x-vwd-subscription-id".to_owned()),
        Just("x-vwd-tenant-id".to_owned()),
        Just("content-type".to_owned()),
        Just("content-encoding".to_owned()),
        "[a-z][a-z0-9-]{0,20}",
        any::<String>(),
    ];
    let value = prop_oneof![
        any::<String>(),
        "[A-Za-z0-9+/]{43}=",
        Just("accounts".to_owned()),
        Just("application/json".to_owned()),
    ];
    (name, value)
}

fn any_method() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just("POST".to_owned()), 1 => "[A-Z]{1,10}"]
}

fn any_body() -> impl Strategy<Value = Value> {
    prop_oneof![any::<String>().prop_map(Value::from), Just(Value::Null)]
}

fn with_headers(mut event: Value, headers: Vec<(String, String)>) -> String {
    for (name, value) in headers {
        event["headers"][name] = value.into();
    }
    event.to_string()
}

proptest! {
    #[test]
    fn without_the_right_signature_nothing_reaches_the_queue(
        path in any_path(),
        method in any_method(),
        headers in vec(any_header(), 0..8),
        body in any_body(),
        is_base64: bool,
    ) {
        let mut event = Call::new(&method, &path).event();
        event["body"] = body;
        event["isBase64Encoded"] = json!(is_base64);
        let event = with_headers(event, headers);
        let world = World::new();
        let answer = block_on(world.handle(event));
        prop_assert!(world.queue.sent().is_empty());
        prop_assert_ne!(answer.status.as_u16(), 202);
        prop_assert_ne!(answer.json["code"].as_str(), Some("internal"));
    }

    #[test]
    fn with_the_right_signature_exactly_these_bytes_do(
        headers in vec(any_header(), 0..8),
        body in vec(any::<u8>(), 0..300),
    ) {
        let decisive = ["x-vwd-signature-v1", "x-vwd-subscription-id", "content-encoding"];
        let others = headers.into_iter().filter(|(name, _)| !decisive.contains(&name.to_lowercase().as_str())).collect();
        let event = with_headers(Call::signed(ACCOUNTS_SECRET, &body).event(), others);
        let world = World::new();
        let answer = block_on(world.handle(event));
        prop_assert_eq!(answer.status.as_u16(), 202);
        prop_assert_eq!(world.queue.delivery().body, body);
    }
}

proptest! {
    #[test]
    fn whatever_bytes_the_runtime_hands_over_they_are_answered(event in vec(any::<u8>(), 0..200)) {
        let answer = block_on(World::new().handle(&event));
        prop_assert!((400..500).contains(&answer.status.as_u16()));
    }
}
