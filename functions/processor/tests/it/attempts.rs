//! Attempts are counted in the ledger, since SQS also counts receipts without an attempt.

use crate::world::{MAX_RECEIVE_COUNT, World, account, down};
use serde_json::json;

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
    assert_eq!(world.notifications.hidden().last().unwrap().1, std::time::Duration::ZERO);
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
