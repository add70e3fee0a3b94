//! What intake logs, what it never logs, the metrics of a delivery, and the trace that it starts or
//! continues.

use crate::support::*;
use lambda_http::Context;
use lambda_http::lambda_runtime::layers::trace::request_span;
use serde_json::{Value, json};
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;
use webhooks_model::measure::address_digest;
use webhooks_telemetry::{Captured, subscriber_for_tests};

const BODY: &[u8] = br#"{"note":"CANARY-body"}"#;
const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

/// Captures everything logged on this thread, down to TRACE, until the guard is dropped.
fn capture() -> (Captured, DefaultGuard) {
    let log = Captured::default();
    let guard = tracing::subscriber::set_default(subscriber_for_tests(log.clone()));
    (log, guard)
}

/// Adds canaries to every part of a request that a sender can write.
fn with_canaries(call: Call) -> Call {
    call.header("x-vwd-notification-id", "CANARY-header")
        .header("x-vwd-subscription-id", "CANARY-subscription")
        .header("x-vwd-event-id", "CANARY-event")
        .header("authorization", "CANARY-authorization")
        .header("user-agent", "CANARY-agent")
}

#[tokio::test]
async fn an_accepted_delivery_is_one_line_of_information() {
    let (log, _guard) = capture();
    let world = World::new();
    world.accepts(with_canaries(Call::signed(ACCOUNTS_SECRET, BODY)).header("x-vwd-tenant-id", TENANT)).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected = json!({
        "timestamp": lines[0]["timestamp"], "level": "INFO", "target": "intake::accept", "message": "accepted", "delivery": world.queue.delivery().meta.id, "subscription": "accounts", "route": "erp",
        "tenant": TENANT, "bytes": BODY.len(),
    });
    assert_eq!(lines[0], expected);
}

#[tokio::test]
async fn a_refusal_is_one_warning_with_its_code_and_a_known_route() {
    for (call, code, route) in [
        (Call::signed("wrong", BODY), "signature_mismatch", json!("erp")),
        (Call::legacy(TOKEN, BODY).header("content-type", "text/CANARY"), "content_type_unsupported", json!("legacy")),
        (Call::signed("wrong", BODY).path("/hooks/visma/CANARY-route"), "route_unknown", Value::Null),
        (Call::signed("wrong", BODY).path("/CANARY-path"), "route_unknown", Value::Null),
        (Call::signed("wrong", BODY).path("/CANARY/hooks/visma/CANARY"), "prefix_unknown", Value::Null),
        (Call::legacy("CANARY-token", BODY).path("/x/hooks/visma/legacy/CANARY"), "prefix_unknown", Value::Null),
        (Call::legacy("CANARY-token", BODY), "route_unknown", json!("legacy")),
        (Call::new("DELETE", "/hooks/visma/CANARY-route"), "method_not_allowed", Value::Null),
    ] {
        let (log, _guard) = capture();
        World::new().post(with_canaries(call)).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let fields = &lines[0];
        assert_eq!(
            (&lines[0]["level"], &fields["code"], &fields["route"]),
            (&json!("WARN"), &json!(code), &route),
            "{lines:?}"
        );
        assert!(!log.text().contains("CANARY"), "{}", log.text());
    }
}

#[tokio::test]
async fn our_own_fault_is_one_error_with_its_cause() {
    let (log, _guard) = capture();
    let world = World::new();
    world.queue.set_mood(Mood::Refuses);
    world.post(with_canaries(Call::signed(ACCOUNTS_SECRET, BODY))).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["level"], &lines[0]["code"]), (&json!("ERROR"), &json!("queue_unavailable")));
    assert!(lines[0]["cause"].as_str().unwrap().contains("RequestThrottled"), "{lines:?}");
}

#[tokio::test]
async fn an_unlisted_address_causes_a_warning_without_the_address() {
    let (log, _guard) = capture();
    let mut settings = settings();
    settings["source_ips"] = json!({"policy": "warn", "addresses": ["18.202.121.26"]});
    let world = World::with(&settings);
    world.accepts(Call::signed(ACCOUNTS_SECRET, BODY).source_ip("192.0.2.77")).await;
    assert_eq!(log.lines()[0]["level"], "WARN");
    assert_eq!(log.lines().len(), 2);
    world.accepts(Call::signed(ACCOUNTS_SECRET, BODY)).await;
    assert_eq!(log.lines().len(), 3);
    assert!(!log.text().contains("192.0.2.77"), "{}", log.text());
}

#[tokio::test]
async fn an_address_travels_as_a_digest_that_many_addresses_share() {
    let world = World::new();
    world.accepts(Call::signed(ACCOUNTS_SECRET, BODY).source_ip("192.0.2.77")).await;
    let delivery = world.queue.delivery();
    assert_eq!(delivery.meta.sent_from, Some(address_digest("192.0.2.77".parse().unwrap())));
    let message = delivery.to_message();
    assert!(!message.contains("192.0.2.77"), "{message}");
}

#[tokio::test]
async fn logs_no_text_of_unreadable_bodies_and_dropped_headers() {
    let (log, _guard) = capture();
    let world = World::new();
    let event = with_canaries(Call::signed(ACCOUNTS_SECRET, BODY)).event();
    let broken = event.to_string().replace("CANARY-agent", "CANARY\\xEE");
    world.handle(broken).await.is_problem(400, "event_unreadable");
    let mut not_base64 = event;
    (not_base64["body"], not_base64["isBase64Encoded"]) = (json!("CANARY!"), json!(true));
    world.handle(not_base64.to_string()).await.is_problem(400, "body_not_base64");
    let odd = with_canaries(Call::signed(ACCOUNTS_SECRET, BODY)).header("x-CANARY", "CANARY\0");
    world.accepts(odd.header("content-type", "text/CANARY")).await;
    let text = log.text();
    assert!(text.contains("event_unreadable") && text.contains("body_not_base64"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

#[tokio::test]
async fn logs_neither_request_content_nor_secrets() {
    let (log, _guard) = capture();
    let world = World::new();
    let signature = sign(ACCOUNTS_SECRET, BODY);
    let calls = [
        Call::signed(ACCOUNTS_SECRET, BODY),
        Call::signed("wrong", BODY),
        Call::signed("wrong", BODY).header("x-vwd-signature-v1", "CANARY-signature"),
        Call::legacy(TOKEN, BODY),
        Call::legacy("CANARY-token", BODY),
        Call::signed(ACCOUNTS_SECRET, BODY).header("x-vwd-tenant-id", "CANARY tenant"),
        Call::new("PUT", "/hooks/visma/legacy/CANARY-token"),
    ];
    for mood in [Mood::Takes, Mood::Refuses, Mood::DeclaresInvalid, Mood::Panics] {
        world.queue.set_mood(mood);
        for call in &calls {
            world.post(with_canaries(call.clone()).source_ip("192.0.2.77")).await;
        }
    }
    world.settings.put(json!({"version": 1, "CANARY-0": "CANARY"}));
    world.clock.advance(time::Duration::minutes(10));
    world.post(Call::signed(ACCOUNTS_SECRET, BODY)).await;
    let text = log.text();
    assert!(text.contains("accepted") && text.contains("internal"), "{text}");
    for secret in ["CANARY", ACCOUNTS_SECRET, OTHER_SECRET, &signature, "192.0.2.77", "/hooks/"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn an_accepted_delivery_is_counted_timed_and_measured() {
    let world = World::new();
    world.accepts(Call::signed(ACCOUNTS_SECRET, BODY).header("x-vwd-tenant-id", TENANT)).await;
    let emitted = &world.emitted;
    assert_eq!((emitted.count("Accepted"), emitted.values("BodySize")), (1, vec![BODY.len() as u64]));
    assert_eq!(emitted.values("AckDuration"), [0], "the clock stands still");
    let lines = emitted.lines();
    assert_eq!((lines.len(), &lines[0]["ColdStart"]), (2, &json!(1)));
    assert_eq!((&lines[1]["service"], &lines[1]["tenants"]), (&json!("intake"), &json!([TENANT])));
}

#[tokio::test]
async fn a_refusal_is_counted_by_its_code_and_our_own_fault_apart_from_it() {
    let world = World::new();
    world.post(Call::signed("wrong", BODY)).await;
    world.post(Call::new("DELETE", "/health")).await;
    world.post(Call::new("GET", "/nowhere")).await;
    for mood in [Mood::Refuses, Mood::Panics] {
        world.queue.set_mood(mood);
        world.post(Call::signed(ACCOUNTS_SECRET, BODY)).await;
    }
    let later = World::new();
    later.settings.clear();
    later.post(Call::signed(ACCOUNTS_SECRET, BODY)).await;
    let series = ["Rejected", "Rejected signature_mismatch", "Rejected method_not_allowed", "Rejected route_unknown"];
    assert_eq!(series.map(|series| world.emitted.count(series)), [3, 1, 1, 1]);
    let series = ["Unavailable", "Unavailable queue_unavailable", "Unavailable internal", "Accepted"];
    assert_eq!(series.map(|series| world.emitted.count(series)), [2, 1, 1, 0]);
    assert_eq!(later.emitted.count("Unavailable settings_unavailable"), 1);
}

#[tokio::test]
async fn health_is_no_delivery() {
    let world = World::new();
    world.post(Call::new("GET", "/health")).await;
    assert_eq!(world.emitted.lines().len(), 1, "the cold start alone");
}

#[tokio::test]
async fn the_message_and_every_line_have_the_invocations_trace() {
    let log = Captured::default();
    let _guard = tracing::subscriber::set_default(subscriber_for_tests(log.clone()));
    let world = World::new();
    for (header, id) in
        [(format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"), Some(ROOT)), ("CANARY".into(), None)]
    {
        let mut context = Context::default();
        (context.request_id, context.xray_trace_id) = ("r-1".into(), Some(header));
        let span = request_span(&context);
        let event = Call::signed(ACCOUNTS_SECRET, BODY).event().to_string();
        world.handle_in(context, event).instrument(span).await;
        assert_eq!(world.queue.sent().last().unwrap().trace_id.as_deref(), id);
        assert_eq!(log.lines().last().unwrap()["trace_id"], id.map_or(Value::Null, Value::from));
    }
    assert!(world.emitted.lines().iter().all(|line| line["requestId"] == "r-1"));
    assert!(!log.text().contains("CANARY"), "{}", log.text());
}
