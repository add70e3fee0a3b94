//! The metrics, and the fields of each log line.

use crate::world::{MAX_RECEIVE_COUNT, World, account, down, order};
use fixtures::TENANT;
use fixtures::TRACE_ID;
use serde_json::json;
use webhooks_host::Host;
use webhooks_store::Erasure;
use webhooks_telemetry::{Captured, subscriber_for_tests};
use webhooks_visma::{Stage, VismaError};

fn counts<const N: usize>(world: &World, series: [&str; N]) -> [u64; N] {
    series.map(|series| world.emitted.count(series))
}

#[tokio::test]
async fn every_end_is_counted_and_timed_from_the_acceptance() {
    let world = World::new().await;
    let newer = world.message(&order(1, "SALES_ORDER_STATUS_CHANGED", "Open", 10));
    let older = world.message(&order(2, "SALES_ORDER_STATUS_CHANGED", "On hold", 5));
    let broken = world.raw_delivery(b"not json").to_message();
    world.host.advance(time::Duration::milliseconds(250));
    for message in [&newer, &older, &broken, &newer] {
        assert!(world.batch(std::slice::from_ref(message), 1).await.is_empty());
    }
    assert_eq!(counts(&world, ["Processed", "Superseded", "Unparseable", "Duplicates"]), [1; 4]);
    assert_eq!(world.emitted.values("AcceptedToProcessed"), [250; 3]);
    let lines = world.emitted.lines();
    assert_eq!((lines.len(), &lines[0]["ColdStart"]), (5, &json!(1)));
    assert_eq!((&lines[1]["tenants"], &lines[1]["requestId"]), (&json!([TENANT]), &json!("r-1")));
}

#[tokio::test]
async fn counts_failures_by_reason_as_retried_and_the_last_as_dead() {
    let world = World::new().await;
    world.erp.fail_fetches((0..MAX_RECEIVE_COUNT).map(|_| down()));
    let messages = [world.message(&account(1, "ACCOUNT_CHANGED", "1")), "a foreign message".into()];
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        world.batch(&messages, receive_count).await;
    }
    let retried = u64::from(MAX_RECEIVE_COUNT) - 1;
    assert_eq!(counts(&world, ["Retried unavailable", "Retried bug"]), [retried; 2]);
    assert_eq!(counts(&world, ["Dead", "Dead unavailable", "Dead bug"]), [2, 1, 1]);
}

#[tokio::test]
async fn without_settings_each_notification_counts_as_retried_and_then_as_dead() {
    let world = World::new().await;
    world.settings.clear();
    let message = [world.message(&json!([account(1, "ACCOUNT_CHANGED", "1"), account(2, "ACCOUNT_CHANGED", "2")]))];
    world.batch(&message, 1).await;
    world.batch(&message, MAX_RECEIVE_COUNT).await;
    assert_eq!(counts(&world, ["Retried unavailable", "Dead unavailable"]), [2; 2]);
}

#[tokio::test]
async fn counts_parked_notifications_by_reason() {
    let world = World::new().await;
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.take(&account(2, "PAYROLL_RUN", "1")).await;
    assert_eq!(counts(&world, ["Parked", "Parked tenant_not_approved", "Parked unmapped"]), [2, 1, 1]);
}

#[tokio::test]
async fn a_notification_ends_once_however_often_its_feedback_is_queued() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.feedback.refuse(true);
    world.batch(&message, 1).await;
    world.feedback.refuse(false);
    world.batch(&message, 2).await;
    assert_eq!(counts(&world, ["Processed", "Retried unavailable", "Duplicates"]), [1; 3]);
}

#[tokio::test]
async fn every_line_about_a_notification_names_it_its_tenant_and_its_trace() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new().await;
    world.erp.fail_fetches([down(), VismaError::TenantNotApproved { stage: Stage::Resource }]);
    let mut panicking = order(3, "SALES_ORDER_ACTION_TRIGGERED", "Open", 0);
    panicking["parameter"] = json!("panic");
    let bodies = [account(1, "ACCOUNT_CHANGED", "1"), account(2, "ACCOUNT_CHANGED", "2"), panicking];
    let message = [world.message(&json!(bodies))];
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        world.batch(&message, receive_count).await;
    }
    let lines: Vec<_> =
        captured.lines().into_iter().filter(|line| line["target"].as_str().unwrap().starts_with("processor")).collect();
    let messages: String = lines.iter().map(|line| line["message"].to_string()).collect();
    for expected in ["processed", "duplicate", "parked", "will be retried", "dead"] {
        assert!(messages.contains(expected), "{expected} in {messages}");
    }
    for line in lines {
        let key = line["notification"].as_str().unwrap_or_default();
        assert_eq!(key.split_once('.').map(|(content, id)| (content.len(), id.len())), Some((32, 36)), "{line}");
        assert_eq!((&line["tenant"], &line["trace_id"]), (&json!(TENANT), &json!(TRACE_ID)), "{line}");
        assert!(line["delivery"].is_string() && line["message_id"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn sent_messages_continue_the_trace_of_the_received_one() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    for queue in [&world.events, &world.feedback] {
        assert_eq!(queue.sent()[0].trace_id.as_deref(), Some(TRACE_ID));
    }
}

#[tokio::test]
async fn the_log_says_how_many_notifications_were_forgotten() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new().await;
    let early = world.message(&json!([account(1, "ACCOUNT_CHANGED", "1"), account(2, "ACCOUNT_CHANGED", "2")]));
    world.host.advance(time::Duration::SECOND);
    let now = world.host.now();
    world.table.table.set_erasure(&Erasure { tenant: TENANT.into(), of_before: now }, now).await.unwrap();
    assert!(world.batch(&[early], 1).await.is_empty());
    world.take(&account(3, "ACCOUNT_CHANGED", "3")).await;
    let lines = captured.lines();
    let erased: Vec<_> = lines.iter().filter_map(|line| line.get("erased")).collect();
    assert_eq!(erased, [&json!(2)]);
}
