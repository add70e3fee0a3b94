//! Attempts that fail, and attempts that leave no result. They are counted in the ledger, since SQS
//! also counts receipts without an attempt.

use crate::world::{MAX_RECEIVE_COUNT, World, account, down, order};
use aws_sdk_dynamodb::operation::query::QueryInput;
use fixtures::{Mood, in_time, refuses};
use serde_json::{Value, json};
use std::time::Duration;
use webhooks_visma::{Fault, Stage, VismaError};

fn action(id: u128, parameter: &str) -> Value {
    let mut body = order(id, "SALES_ORDER_ACTION_TRIGGERED", "Open", id as i64);
    body["parameter"] = json!(parameter);
    body
}

#[tokio::test]
async fn a_poison_in_the_middle_of_a_batch_fails_alone() {
    let world = World::new().await;
    let mut messages: Vec<String> =
        (1..=4).map(|n| world.message(&account(n, "ACCOUNT_CREATED", &n.to_string()))).collect();
    messages.insert(1, world.message(&action(9, "panic")));
    messages.insert(3, "a foreign message".into());
    messages.insert(4, world.message(&action(10, "later")));
    assert_eq!(world.batch(&messages, 1).await, [1, 3, 4]);
    let states = world.states().await;
    assert_eq!(states.iter().filter(|state| *state == "processed").count(), 4);
    assert!(
        states.contains(&"retrying: bug".to_owned()) && states.contains(&"retrying: unavailable".to_owned()),
        "{states:?}"
    );
    assert_eq!(world.notifications.hidden().len(), 3);
}

#[tokio::test]
async fn the_erp_down_and_up_again_ends_in_one_event_and_one_feedback() {
    let world = World::new().await;
    world.erp.fail_fetches([down(), down()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.batch(&message, 2).await, [0]);
    assert_eq!(world.states().await, ["retrying: unavailable"]);
    assert!(world.batch(&message, 3).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
    let waits: Vec<Duration> = world.notifications.hidden().into_iter().map(|(_, wait)| wait).collect();
    assert_eq!(waits, [15, 30].map(Duration::from_secs), "half of the ceiling, which doubles");
}

#[tokio::test]
async fn a_delivery_with_more_items_than_run_at_once_ends_in_time() {
    let budget = Duration::from_secs(3);
    let (world, again) = in_time(budget, async || {
        let world = World::new().await;
        world.events.set_mood(Mood::NeverAnswers);
        let items: Vec<Value> = (1..=17).map(|n| account(n, "ACCOUNT_CHANGED", &n.to_string())).collect();
        let message = [world.message(&json!(items))];
        let again = world.batch_within(budget, &message, 1).await;
        (world, again)
    })
    .await;
    assert_eq!(again, [0]);
    assert_eq!(world.states().await, vec!["retrying: unavailable"; 16], "the last one had no turn");
    assert_eq!(world.notifications.hidden()[0].1, Duration::from_secs(15), "as after any failed attempt");
}

#[tokio::test]
async fn waits_as_long_as_the_erp_asks() {
    let world = World::new().await;
    let fault = Fault::Status(503);
    let after = Some(Duration::from_secs(600));
    world.erp.fail_fetches([VismaError::Unavailable { stage: Stage::Resource, fault, after }]);
    assert_eq!(world.take(&account(1, "ACCOUNT_CHANGED", "1")).await, [0]);
    assert!(world.notifications.hidden()[0].1 >= Duration::from_secs(600));
    assert_eq!(world.states().await, ["retrying: unavailable"]);
}

#[tokio::test]
async fn after_the_last_attempt_a_notification_is_dead_and_answered_once() {
    let world = World::new().await;
    let message = [world.message(&action(1, "panic"))];
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.states().await, ["dead: bug"]);
    assert_eq!(world.table.needing_attention("dead").await, 1);
    assert_eq!(world.feedback.sent().len(), 1);
    assert!(!world.answer(1).await.0);
    assert_eq!(world.notifications.hidden().last().unwrap().1, Duration::ZERO, "SQS may move it on at once");
}

#[tokio::test]
async fn a_redrive_of_a_dead_notification_processes_it_without_another_answer() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.fail_to_the_end(&message, down()).await;
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert!(!world.answer(1).await.0, "what was decided first stands");
    let feedback = world.feedback.sent();
    assert_eq!((world.events.sent().len(), &feedback[0].body), (1, &feedback[1].body), "one feedback, sent once");
    assert_eq!(world.table.needing_attention("dead").await, 0);
}

#[tokio::test]
async fn a_queue_that_refuses_delays_the_end_and_loses_nothing() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.events.refuse(true);
    assert_eq!(world.batch(&message, 1).await, [0]);
    world.events.refuse(false);
    world.feedback.refuse(true);
    assert_eq!(world.batch(&message, 2).await, [0]);
    world.feedback.refuse(false);
    assert!(world.batch(&message, 3).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
}

#[tokio::test]
async fn an_attempt_that_died_between_the_end_and_the_feedback_is_made_good() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.feedback.refuse(true);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["processed"], "the end is written before the feedback is queued");
    world.feedback.refuse(false);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn only_one_of_simultaneous_copies_queues_the_feedback() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1");
    let messages: Vec<String> = (0..8).map(|_| world.message(&body)).collect();
    assert!(world.batch(&messages, 1).await.is_empty());
    assert_eq!((world.states().await, world.feedback.sent().len()), (vec!["processed".to_owned()], 1));
    let ids: std::collections::HashSet<String> =
        world.events.sent().iter().map(|sent| sent.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "whatever is published twice has one id");
}

#[tokio::test]
async fn a_message_delivered_twice_stays_until_its_copys_feedback_is_queued() {
    let world = World::new().await;
    let message = world.message(&account(1, "ACCOUNT_CHANGED", "1"));
    world.feedback.refuse(true);
    assert_eq!(
        world.batch(&vec![message.clone(); 2], 1).await,
        [0, 1],
        "one ended it, the other waits to see that it is answered"
    );
    world.feedback.refuse(false);
    assert!(world.batch(&[message], 2).await.is_empty());
    assert_eq!((world.states().await, world.feedback.sent().len()), (vec!["processed".to_owned()], 1));
}

#[tokio::test]
async fn parks_failures_that_no_retry_can_fix() {
    let world = World::new().await;
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    assert!(world.take(&account(1, "ACCOUNT_CHANGED", "1")).await.is_empty());
    assert!(world.take(&action(2, "person")).await.is_empty());
    assert_eq!(world.states().await, ["parked: handler_refused", "parked: tenant_not_approved"]);
    assert_eq!(world.table.needing_attention("parked").await, 2);
}

#[tokio::test]
async fn retries_a_parked_notification_when_its_message_comes_again() {
    let world = World::new().await;
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["parked: tenant_not_approved"]);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn a_route_without_feedback_reports_no_death() {
    let world = World::with_routes(json!([{"events": "*", "feedback": "none"}])).await;
    world.fail_to_the_end(&[world.message(&account(1, "ACCOUNT_CHANGED", "1"))], down()).await;
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert!(world.feedback.sent().is_empty());
    assert!(!world.table.item("N#").await.contains_key("feedback"));
}

#[tokio::test]
async fn reports_no_death_of_what_would_have_been_parked() {
    let world = World::new().await;
    assert!(world.take(&account(1, "ACCOUNT_CHANGED", "1")).await.is_empty(), "so it has read the pauses");
    let ledger = world.table.through(refuses::<QueryInput>());
    let world = world.with_receives(1).with_ledger(ledger);
    for (id, event, feedback) in [(2, "SOMETHING_NEW", 1), (3, "ACCOUNT_CHANGED", 2)] {
        assert_eq!(world.take(&account(id, event, "2")).await, [0]);
        assert_eq!(world.feedback.sent().len(), feedback, "{event}");
    }
    assert_eq!(world.table.needing_attention("dead").await, 2);
}

#[tokio::test]
async fn a_feedback_decided_at_the_death_is_still_watched_after_a_late_redrive() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.fail_to_the_end(&message, down()).await;
    world.host.advance(time::Duration::hours(2));
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!(world.table.needing_attention("feedback_queued").await, 1);
}

#[tokio::test]
async fn a_notification_in_a_state_of_a_newer_version_waits_for_that_version() {
    let world = World::new().await;
    world.erp.fail_fetches([down()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    world.table.overwrite("N#", "state", "postponed").await;
    for receive_count in 2..=MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.states().await, ["postponed: unavailable"]);
    assert_eq!(world.emitted.count("Dead newer_version"), 1);
    assert_eq!(world.emitted.count("Retried bug") + world.emitted.count("Dead bug"), 0);
    assert!(world.events.sent().is_empty() && world.feedback.sent().is_empty());
    world.table.overwrite("N#", "state", "retrying").await;
    assert!(world.batch(&message, 1).await.is_empty(), "a redrive, after the newer version was deployed");
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn leaves_a_record_with_feedback_of_a_newer_version_as_it_is() {
    let world = World::new().await;
    world.erp.fail_fetches([down()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    world.table.overwrite("N#", "feedback", "on_its_way").await;
    let before = world.table.item("N#").await;
    for receive_count in 2..=MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.table.item("N#").await, before);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_message_whose_receipts_were_throttled_gets_all_its_attempts() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty(), "another takes its place");
    assert_eq!(world.states().await, ["retrying: lost"]);
    let fresh = world.notifications.sent();
    assert_eq!((fresh.len(), &fresh[0].body), (1, &message[0]));
    world.erp.fail_fetches([down()]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["retrying: unavailable"]);
    assert!(world.feedback.sent().is_empty(), "nobody is told of a failure");
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
    assert!(world.answer(1).await.0);
    assert_eq!(world.emitted.count("Dead"), 0);
}

#[tokio::test]
async fn a_notification_that_kills_every_attempt_ends_as_dead() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    for beginnings in 1..=3 {
        assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty());
        assert_eq!(world.notifications.sent().len(), beginnings);
    }
    world.erp.fail_fetches([down()]);
    assert_eq!(world.batch(&message, MAX_RECEIVE_COUNT).await, [0], "SQS moves it on");
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert_eq!(world.notifications.sent().len(), 3);
}

#[tokio::test]
async fn a_notification_with_more_attempts_than_its_record_keeps_ends_as_dead() {
    let world = World::new().await.with_receives(1_000);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.erp.fail_fetches(vec![down(); 31]);
    for receive_count in 1..=30 {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.batch(&message, 1_000).await, [0], "SQS moves it on");
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert!(world.notifications.sent().is_empty());
}

#[tokio::test]
async fn one_new_message_replaces_a_delivery_with_many_notifications() {
    let world = World::new().await;
    let bodies: Vec<_> = (1..=5).map(|n| account(n, "ACCOUNT_CHANGED", &n.to_string())).collect();
    let message = [world.message(&json!(bodies))];
    world.erp.fail_fetches([down()]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty());
    assert_eq!(world.notifications.sent().len(), 1, "for the one that has not ended");
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"; 5]);
}

#[tokio::test]
async fn a_message_that_cannot_be_replaced_goes_to_the_dead_letter_queue_and_is_watched() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.notifications.refuse(true);
    assert_eq!(world.batch(&message, MAX_RECEIVE_COUNT).await, [0]);
    assert_eq!(world.notifications.hidden().last().unwrap().1, Duration::ZERO);
    assert_eq!(world.table.needing_attention("retrying").await, 1, "the reconciler puts it on the queue again");
}

#[tokio::test]
async fn the_back_off_follows_the_attempts_and_not_the_receipts() {
    let world = World::new().await;
    world.erp.fail_fetches([down()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, MAX_RECEIVE_COUNT - 1).await, [0]);
    let wait = world.notifications.hidden()[0].1;
    assert_eq!(wait.as_secs(), 15, "half of the first ceiling");
}
