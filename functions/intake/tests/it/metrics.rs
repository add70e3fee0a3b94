//! The metrics of a delivery, and the trace that it starts or continues.

use crate::support::*;
use lambda_http::Context;
use lambda_http::lambda_runtime::layers::trace::request_span;
use serde_json::{Value, json};
use tracing::Instrument;
use webhooks_telemetry::{Captured, subscriber_for_tests};

const BODY: &[u8] = br#"{"note":"CANARY-body"}"#;
const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

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
