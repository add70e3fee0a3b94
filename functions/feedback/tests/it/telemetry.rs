//! The metrics, and the fields of each log line.

use crate::answers::{refused, unavailable};
use crate::world::{World, notification, ours, outcome};
use fixtures::TENANT;
use fixtures::TRACE_ID;
use serde_json::json;
use webhooks_model::feedback::FeedbackState;
use webhooks_telemetry::{Captured, subscriber_for_tests};

fn counts<const N: usize>(world: &World, series: [&str; N]) -> [u64; N] {
    series.map(|series| world.emitted.count(series))
}

#[tokio::test]
async fn counts_and_times_a_feedback_and_reports_the_least_quota() {
    let world = World::new().await;
    let messages = [
        ours(&world.processed(FeedbackState::Queued).await),
        ours(&world.processed_for("another", FeedbackState::Queued).await),
    ];
    world.host.advance(time::Duration::milliseconds(900));
    world.erp.leave_quota(TENANT, 4711);
    world.erp.leave_quota("another", 17);
    world.batch(&messages, 1).await;
    assert_eq!(counts(&world, ["FeedbackSent", "ColdStart"]), [2, 1]);
    assert_eq!(world.emitted.values("AcceptedToFeedback"), [900; 2]);
    assert_eq!(world.emitted.values("FeedbackQuotaLeft"), [17]);
    assert_eq!(world.emitted.lines()[1]["tenants"], json!([TENANT, "another"]));
}

#[tokio::test]
async fn counts_tries_by_reason_until_the_last() {
    let world = World::new().await;
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    world.erp.fail_feedback([unavailable(), unavailable(), refused(404), refused(404)]);
    for receive_count in 1..=3 {
        world.batch(&message, receive_count).await;
    }
    let series = ["FeedbackRetried", "FeedbackRetried unavailable", "FeedbackParked feedback_refused", "FeedbackSent"];
    assert_eq!(counts(&world, series), [2, 2, 1, 0]);
}

#[tokio::test]
async fn a_message_that_cannot_be_used_is_counted_by_its_code_once_it_is_put_aside() {
    let world = World::new().await;
    world.rejected.refuse(true);
    world.batch(&["no json".to_owned()], 1).await;
    world.rejected.refuse(false);
    world.batch(&["no json".to_owned()], 2).await;
    assert_eq!(counts(&world, ["OutcomesRejected not_an_object", "FeedbackRetried unavailable"]), [1, 1]);
    assert_eq!(world.rejected.sent()[0].trace_id.as_deref(), Some(TRACE_ID));
}

#[tokio::test]
async fn waiting_for_the_ledger_is_not_a_failed_try() {
    let world = World::new().await;
    assert_eq!(world.batch(&[outcome(&notification().ledger_key())], 1).await, [0]);
    assert_eq!(counts(&world, ["FeedbackRetried", "OutcomesRejected", "FeedbackSent"]), [0; 3]);
}

#[tokio::test]
async fn every_line_about_a_notification_names_it_its_tenant_and_its_trace() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([unavailable(), refused(404), refused(404)]);
    for (message, receive_count) in [(ours(&key), 1), (ours(&key), 2), (ours(&key), 3), (ours(&key), 4)] {
        world.batch(&[message], receive_count).await;
    }
    world.batch(&[outcome(&world.processed_for("another", FeedbackState::None).await)], 1).await;
    let lines: Vec<_> =
        captured.lines().into_iter().filter(|line| line["target"].as_str().unwrap().starts_with("feedback")).collect();
    let messages: String = lines.iter().map(|line| line["message"].to_string()).collect();
    for expected in ["will be retried", "parked", "feedback sent", "duplicate", "rejected"] {
        assert!(messages.contains(expected), "{expected} in {messages}");
    }
    for line in lines {
        let tenant = if line["code"] == "not_deferred" { "another" } else { TENANT };
        assert_eq!(line["notification"], json!(key.notification.to_string()), "{line}");
        assert_eq!((&line["tenant"], &line["trace_id"]), (&json!(tenant), &json!(TRACE_ID)), "{line}");
        assert!(line["message_id"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_record_for_a_newer_version_is_a_warning_and_a_refused_read_an_error() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new().await;
    let newer = world.processed(FeedbackState::Queued).await;
    world.table.overwrite("N#", "feedback", "on_its_way").await;
    let mut refused = newer.clone();
    refused.entity.key = "refused".into();
    for (key, level, message) in
        [(newer, "WARN", "waits: a newer version"), (refused, "ERROR", "the ledger cannot be read: the code does not")]
    {
        assert_eq!(world.batch(&[ours(&key)], 1).await, [0]);
        let lines = captured.lines();
        let line =
            lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.starts_with(message))).unwrap();
        assert_eq!(line["level"], level, "{line}");
    }
}

#[tokio::test]
async fn logs_the_fault_of_invalid_settings_without_any_value() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.settings.document()["visma"]["client_secret"] = " canary-client-secret".into();
    let captured = Captured::default();
    let guard = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    assert_eq!(world.batch(&[ours(&key)], 1).await, [0]);
    drop(guard);
    let text = captured.text();
    assert!(text.contains("secret_padded: visma.client_secret: begins or ends with white space"), "{text}");
    assert!(captured.lines().iter().any(|line| line["code"] == "secret_padded"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}
