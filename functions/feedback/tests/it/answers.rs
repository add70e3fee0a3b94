//! What Visma Net answers, what the function then does and observes, and the example event of
//! `infra/events`.

use crate::world::{self, BODY_ID, HEADER_ID, World, ours};
use fixtures::{SentFeedback, TENANT, in_time};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use webhooks_host::Host;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Delivery, Notification, OpenQuestion, Reason, State};
use webhooks_settings::Settings;
use webhooks_store::{Answering, Change, Entry, Observation, Observations};
use webhooks_visma::{Fault, Stage, VismaError};

const EVENT: &str = include_str!("../../../../infra/events/feedback.json");
const PROCESSED: &str = include_str!("../../../../infra/events/processor.json");
const SETTINGS: &str = include_str!("../../../../infra/local/settings.json");

pub(crate) fn refused(status: u16) -> Option<VismaError> {
    Some(VismaError::Refused { status })
}

pub(crate) fn unavailable() -> Option<VismaError> {
    Some(VismaError::Unavailable { stage: Stage::Feedback, fault: Fault::Timeout, after: None })
}

#[tokio::test]
async fn a_notification_without_an_answer_of_its_own_is_not_answered() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::None).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert!(world.erp.feedback().is_empty());
    assert_eq!((world.state().await, world.rejected.sent().len()), ("none".to_owned(), 0));
}

#[tokio::test]
async fn a_feedback_is_sent_once_however_often_the_message_comes() {
    let world = World::new().await;
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    for receive_count in 1..=3 {
        assert!(world.batch(&message, receive_count).await.is_empty());
    }
    let expected = SentFeedback {
        tenant: TENANT.into(),
        id: BODY_ID,
        source: "User".into(),
        description: "Done.".into(),
        is_success: true,
    };
    assert_eq!(world.erp.feedback(), [expected]);
    assert_eq!(world.state().await, "sent");
}

#[tokio::test]
async fn the_second_of_two_messages_in_one_batch_waits_and_finds_it_answered() {
    let world = World::new().await;
    let message = ours(&world.processed(FeedbackState::Queued).await);
    assert_eq!(world.batch(&[message.clone(), message.clone()], 1).await, [1]);
    assert!(world.batch(&[message], 2).await.is_empty());
    assert_eq!(world.erp.feedback().len(), 1);
}

#[tokio::test]
async fn a_feedback_that_another_message_has_just_sent_needs_no_further_try() {
    let world = World::new().await;
    let key = world.processed_for("overtaken", FeedbackState::Queued).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!((world.state().await.as_str(), world.emitted.count("FeedbackRetried")), ("sent", 0));
}

#[tokio::test]
async fn a_refused_id_is_followed_by_the_other_one() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([refused(404)]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!(world.erp.feedback()[0].id, HEADER_ID);
    assert_eq!(world.table.item("N#").await["feedback_id"].as_s().unwrap(), &HEADER_ID.to_string());
}

#[tokio::test]
async fn when_both_ids_are_refused_the_feedback_is_parked_in_sight() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([refused(404), refused(400)]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!(world.state().await, "parked");
    assert_eq!(world.table.needing_attention("feedback_parked").await, 1);
}

#[tokio::test]
async fn a_tenant_that_has_not_approved_is_parked_without_another_try() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([Some(VismaError::TenantNotApproved { stage: Stage::Feedback })]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!(world.state().await, "parked");
}

#[tokio::test]
async fn parks_a_connect_refusal_and_retries_a_refused_new_token() {
    let world = World::new().await;
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    let refused = |stage| Some(VismaError::TokenRefused { stage, status: 401, after: None });
    world.erp.fail_feedback([refused(Stage::Feedback), refused(Stage::Token)]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.state().await, "queued");
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.state().await, "parked");
}

#[tokio::test]
async fn no_answer_is_tried_again_after_a_growing_wait() {
    let world = World::new().await;
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    world.erp.fail_feedback([unavailable(), unavailable()]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.batch(&message, 2).await, [0]);
    assert!(world.batch(&message, 3).await.is_empty());
    let waits: Vec<Duration> = world.queue.hidden().into_iter().map(|(_, wait)| wait).collect();
    assert_eq!(waits, [15, 30].map(Duration::from_secs));
    assert_eq!(world.table.item("N#").await["feedback_attempts"].as_l().unwrap().len(), 2);
}

#[tokio::test]
async fn records_fewer_and_fewer_of_the_failed_tries() {
    let world = World::new().await;
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    world.erp.fail_feedback(vec![unavailable(); 8]);
    for receive_count in 1..=8 {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    let item = world.table.item("N#").await;
    let tries = item["feedback_attempts"].as_l().unwrap().iter().map(|one| one.as_m().unwrap());
    let recorded: Vec<_> = tries.map(|one| one["receive_count"].as_n().unwrap().as_str()).collect();
    assert_eq!(recorded, ["1", "2", "4", "8"]);
}

#[tokio::test]
async fn comes_again_if_the_answer_of_visma_net_cannot_be_recorded() {
    for (faults, sent) in [(vec![], 1), (vec![refused(404), refused(404)], 0), (vec![no_calls(1800)], 0)] {
        let world = World::new().await;
        let message = [ours(&world.processed_for("unwritable", FeedbackState::Queued).await)];
        world.erp.fail_feedback(faults);
        assert_eq!(world.batch(&message, 1).await, [0]);
        assert_eq!(world.queue.hidden()[0].1, Duration::from_secs(15), "the table's wait");
        let series = ["FeedbackSent", "FeedbackParked", "FeedbackRetried", "FeedbackRetried unavailable"];
        assert_eq!(series.map(|series| world.emitted.count(series)), [sent, 0, 1, 1]);
    }
}

fn no_calls(seconds: u64) -> Option<VismaError> {
    Some(VismaError::RateLimited { stage: Stage::Feedback, after: Some(Duration::from_secs(seconds)) })
}

#[tokio::test]
async fn waits_briefly_for_calls_on_the_queue_without_delaying_others() {
    let world = World::new().await;
    let first = world.processed(FeedbackState::Queued).await;
    let second = world.processed_for("another", FeedbackState::Queued).await;
    world.erp.fail_feedback([no_calls(300), None]);
    assert_eq!(world.batch(&[ours(&first), ours(&second)], 1).await, [0]);
    assert_eq!(world.erp.feedback()[0].tenant, "another");
    assert!(world.queue.hidden()[0].1 >= Duration::from_secs(300));
    assert!(world.table.table.allowances().await.unwrap().is_empty());
}

#[tokio::test]
async fn waits_longer_for_calls_in_the_ledger_however_old_the_message_is() {
    let world = World::new().await;
    // It ends so late that it has another mark before.
    world.host.advance(time::Duration::hours(25));
    let message = [ours(&world.processed(FeedbackState::Queued).await)];
    for _ in 0..2 {
        world.erp.fail_feedback([no_calls(1800)]);
        assert!(world.batch(&message, 1).await.is_empty(), "nothing stays on the queue");
        assert_eq!(world.state().await, "queued");
        assert_eq!(world.table.needing_attention(&format!("feedback_limited#{TENANT}")).await, 1);
    }
    let item = world.table.item("N#").await;
    assert_eq!(item["feedback_attempts"].as_l().unwrap().len(), 1, "of a row the first is kept");
    assert_eq!(world.emitted.count("FeedbackRetried rate_limited"), 2);
    let allowance = world.table.table.allowances().await.unwrap().remove(0);
    assert_eq!((allowance.tenant.as_str(), allowance.calls_each), (TENANT, 1));
    assert_eq!(allowance.resets_at, world.host.now() + time::Duration::minutes(30));
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!((world.state().await.as_str(), world.table.needing_attention("feedback_queued").await), ("sent", 0));
    assert_eq!(world.table.needing_attention(&format!("feedback_limited#{TENANT}")).await, 0);
}

#[tokio::test]
async fn parks_a_feedback_that_still_finds_no_calls_after_two_weeks() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    for (seconds, days, state) in [(1800, 13, "queued"), (1800, 1, "queued"), (300, 0, "queued"), (1800, 0, "parked")] {
        let sent_at = (world.host.now().unix_timestamp() * 1000).to_string();
        let attributes = json!({"ApproximateReceiveCount": "1", "SentTimestamp": sent_at});
        let record = json!({"messageId": "1", "receiptHandle": "r", "body": ours(&key), "attributes": attributes});
        world.erp.fail_feedback([no_calls(seconds)]);
        let again = world.event(&json!({"Records": [record]}).to_string()).await;
        assert_eq!((again.len(), world.state().await.as_str()), (usize::from(seconds == 300), state));
        world.host.advance(time::Duration::days(days));
    }
    assert_eq!(world.emitted.count("FeedbackParked gave_up"), 1);
    assert_eq!(world.table.needing_attention("feedback_parked").await, 1);
}

#[tokio::test]
async fn the_feedback_of_a_dead_notification_waits_for_calls_on_the_queue() {
    let world = World::new().await;
    let n = world::notification();
    let attempt =
        Attempt { at: world.host.now(), receive_count: 12, reason: Reason::Unavailable, detail: String::new() };
    let verdict = Some(Verdict::failure("Failed."));
    let answer =
        Answering { feedback: FeedbackState::Queued, address: Address::of(&n, false), verdict, deadline: None };
    let change = Change::Dead { attempt, answer: Some(answer) };
    world.table.table.record(&Entry { notification: &n, change, now: world.host.now() }).await.unwrap();
    world.erp.fail_feedback([no_calls(1800)]);
    assert_eq!(world.batch(&[ours(&n.ledger_key())], 1).await, [0]);
    assert!(world.queue.hidden()[0].1 >= Duration::from_secs(1800));
    assert_eq!(world.table.needing_attention("dead").await, 1);
}

#[tokio::test]
async fn parks_a_feedback_after_a_day_of_failures() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([unavailable()]);
    world.host.advance(time::Duration::hours(24));
    assert!(world.batch(&[ours(&key)], 90).await.is_empty());
    assert_eq!(world.state().await, "parked");
}

#[tokio::test]
async fn a_visma_net_that_never_answers_is_recorded_and_given_up_after_a_day() {
    let budget = Duration::from_secs(2);
    for (hours, again, state) in [(0, 1, "queued"), (24, 0, "parked")] {
        let (world, found) = in_time(budget, async || {
            let world = World::new().await;
            let message = [ours(&world.processed(FeedbackState::Queued).await)];
            world.erp.fall_silent();
            world.host.advance(time::Duration::hours(hours));
            let begun = Instant::now();
            let found = world.batch_within(budget, &message, 1).await;
            assert!(begun.elapsed() >= Duration::from_secs(1), "it keeps one of the two seconds for the ledger");
            (world, found)
        })
        .await;
        assert_eq!((found.len(), world.state().await.as_str()), (again, state));
        assert_eq!(world.table.item("N#").await["feedback_attempts"].as_l().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_customer_tenant_is_parked_with_these_words() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([
        Some(VismaError::TokenRefused { stage: Stage::Feedback, status: 401, after: None }),
        Some(VismaError::CompanyTenantNeeded { stage: Stage::Feedback }),
    ]);
    assert_eq!(world.batch(&[ours(&key)], 1).await, [0], "one refused token is tried again");
    assert!(world.batch(&[ours(&key)], 2).await.is_empty());
    assert_eq!(world.state().await, "parked");
    let item = world.table.item("N#").await;
    let told = item["feedback_attempts"].as_l().unwrap().last().unwrap().as_m().unwrap();
    assert_eq!(told["reason"].as_s().unwrap(), "company_tenant_needed");
    assert!(told["detail"].as_s().unwrap().contains("customer tenant, not company tenant"));
}

#[tokio::test]
async fn a_client_secret_that_was_changed_is_read_before_a_feedback_is_parked() {
    let world = World::new().await;
    let first = world.processed_for("another", FeedbackState::Queued).await;
    world.batch(&[ours(&first)], 1).await;
    let key = world.processed(FeedbackState::Queued).await;
    world.settings.document()["visma"]["client_secret"] = "canary-rotated".into();
    world.host.advance(time::Duration::seconds(31));
    world.erp.fail_feedback([Some(VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None })]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!(world.erp.feedback().len(), 2);
    assert_eq!(world.table.needing_attention("feedback_parked").await, 0);
}

#[tokio::test]
async fn retries_a_refused_feedback_while_settings_are_unreadable() {
    let world = World::new().await;
    let first = world.processed_for("another", FeedbackState::Queued).await;
    world.batch(&[ours(&first)], 1).await;
    let key = world.processed(FeedbackState::Queued).await;
    world.settings.clear();
    world.host.advance(time::Duration::seconds(31));
    world.erp.fail_feedback([Some(VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None })]);
    assert_eq!(world.batch(&[ours(&key)], 1).await, [0]);
    assert_eq!(world.table.needing_attention("feedback_parked").await, 0);
}

async fn observed(world: &World, question: OpenQuestion) -> Vec<Observation> {
    let all = world.table.table.observed().await.unwrap();
    all.into_iter().filter(|one| one.fact.question == question).collect()
}

#[tokio::test]
async fn records_the_accepted_id_and_source() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees, id.notifications), ("the body's", true, 1));
    let source = observed(&world, OpenQuestion::FeedbackSource).await.remove(0);
    assert_eq!((source.fact.value.as_str(), source.agrees), ("as it came: User", true));
}

#[tokio::test]
async fn tells_apart_the_only_id_and_sends_the_configured_name_without_a_source() {
    let world = World::new().await;
    let n = Notification { id_in_header: None, source: None, ..world::notification() };
    let key = world.ended(&n, FeedbackState::Queued).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let sent = &world.erp.feedback()[0];
    assert_eq!((sent.id, sent.source.as_str()), (BODY_ID, "our app"));
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees), ("the only one", true));
    let source = observed(&world, OpenQuestion::FeedbackSource).await.remove(0);
    assert_eq!(source.fact.value, "the configured name");
}

#[tokio::test]
async fn a_feedback_that_is_taken_under_the_second_id_contradicts_the_setting() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([Some(VismaError::Refused { status: 404 })]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees), ("the header's", false));
}

#[tokio::test]
async fn a_feedback_that_is_refused_under_both_ids_contradicts() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([Some(VismaError::Refused { status: 404 }), Some(VismaError::Refused { status: 404 })]);
    world.batch(&[ours(&key)], 1).await;
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees), ("none of those that came", false));
    assert_eq!(observed(&world, OpenQuestion::FeedbackSource).await, []);
}

/// The notification in the processor's event.
fn notification() -> Notification {
    let event: Value = serde_json::from_str(PROCESSED).unwrap();
    let delivery = Delivery::from_message(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    let settings = Settings::parse(&SETTINGS.replace("{standin}", "http://127.0.0.1:8099")).unwrap();
    Notification::read(&delivery, delivery.items().unwrap()[0], &settings)
}

#[tokio::test]
async fn the_example_event_answers_the_notification_of_the_processors_event() {
    let (world, n) = (World::new().await, notification());
    let verdict = Some(Verdict::success("Done."));
    let answer =
        Answering { feedback: FeedbackState::Queued, address: Address::of(&n, false), verdict, deadline: None };
    let change = Change::Ended { state: State::Processed, answer };
    world.table.table.record(&Entry { notification: &n, change, now: world.host.now() }).await.unwrap();
    assert!(world.event(EVENT).await.is_empty());
    let told: Vec<_> = world.erp.feedback().into_iter().map(|feedback| (feedback.tenant, feedback.id)).collect();
    assert_eq!(told, [(n.tenant.unwrap(), n.id_in_body.unwrap().uuid().unwrap())]);
}
