use crate::world::{MAX_RECEIVE_COUNT, World, account, order};
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks_visma::{Fault, Stage, VismaError};

fn deferred() -> Value {
    json!([{"events": "sales_order.*", "fetch": false, "feedback": "deferred", "deadline_hours": 2}, {"events": "*", "feedback": "none"}])
}

#[tokio::test]
async fn a_deferred_feedback_waits_for_the_integrators_outcome() {
    let world = World::with_routes(deferred()).await;
    world.take(&order(1, "SALESORDER_CREATED", "Open", 0)).await;
    assert!(world.feedback.sent().is_empty());
    assert_eq!(world.events.sent()[0].json()["data"]["feedback"], "deferred");
    let item = world.table.item("N#").await;
    assert_eq!(item["feedback"].as_s().unwrap(), "awaited");
    assert_eq!(item["feedback_deadline"].as_s().unwrap(), "2026-11-23T14:00:00.000Z");
}

#[tokio::test]
async fn answers_superseded_notifications_at_once() {
    let world = World::with_routes(deferred()).await;
    world.take(&order(1, "SALESORDER_UPDATED", "Open", 100)).await;
    world.take(&order(2, "SALESORDER_UPDATED", "Open", 0)).await;
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn a_route_can_leave_the_accountant_without_an_answer() {
    let world = World::with_routes(deferred()).await;
    let delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
    for receive_count in [1, 2] {
        assert!(world.batch(&[delivery.to_message()], receive_count).await.is_empty());
        assert_eq!(world.states().await, ["processed"]);
        assert!(world.feedback.sent().is_empty());
    }
    let ids = world.ids_to_answer_under(&delivery).await;
    assert_eq!(ids, [Uuid::from_u128(1)], "under which a person could still answer");
}

#[tokio::test]
async fn answers_unpublished_notifications_at_once() {
    let route = json!([{"events": "*", "fetch": false, "publish": false, "feedback": "deferred"}]);
    let world = World::with_routes(route).await;
    world.take(&order(1, "SALESORDER_CREATED", "Open", 0)).await;
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (0, 1));
}

#[tokio::test]
async fn the_settings_say_which_id_is_tried_first() {
    let [in_body, in_header] = [1, 2].map(Uuid::from_u128);
    for (first, expected) in [("body_first", [in_body, in_header]), ("header_first", [in_header, in_body])] {
        let world = World::new().await;
        world.settings.document()["visma"]["feedback_id"] = json!(first);
        let mut delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
        delivery.meta.headers.insert("x-vwd-notification-id".into(), in_header.to_string());
        world.batch(&[delivery.to_message()], 1).await;
        assert_eq!(world.ids_to_answer_under(&delivery).await, expected, "{first}");
    }
}

#[tokio::test]
async fn a_repeated_copy_completes_what_the_first_left_undone() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1");
    world.feedback.refuse(true);
    assert_eq!(world.take(&body).await, [0]);
    world.feedback.refuse(false);
    let copy = [world.message(&body)];
    assert!(world.batch(&copy, 1).await.is_empty());
    assert!(world.feedback.sent().is_empty(), "the first one's message comes again for it");
    assert!(world.batch(&copy, 2).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn the_accountant_reads_the_handlers_text() {
    let world = World::new().await;
    let mut body = order(1, "SALES_ORDER_ACTION_TRIGGERED", "Open", 0);
    body["parameter"] = json!("refuse");
    world.take(&body).await;
    assert_eq!(world.answer(1).await, (false, "The order has no delivery address.".into()));
    assert_eq!(world.table.item("N#").await["source"].as_s().unwrap(), "User");
}

#[tokio::test]
async fn without_an_id_that_visma_net_would_know_there_is_no_feedback() {
    let world = World::new().await;
    let mut body = account(1, "ACCOUNT_CHANGED", "1");
    body["notificationId"] = json!("not a uuid");
    world.take(&body).await;
    assert_eq!(world.states().await, ["processed"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_feedback_that_could_not_be_queued_at_the_last_attempt_is_queued_when_a_person_puts_the_message_back() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.feedback.refuse(true);
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.states().await, ["processed"]);
    world.feedback.refuse(false);
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn the_feedback_of_a_dead_notification_that_could_not_be_queued_is_queued_after_a_redrive_however_that_ends() {
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    let refused = VismaError::TenantNotApproved { stage: Stage::Resource };
    for (second, end) in [(None, "processed"), (Some(refused), "parked: tenant_not_approved")] {
        let world = World::new().await;
        let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
        world.feedback.refuse(true);
        world.fail_to_the_end(&message, down.clone()).await;
        world.erp.fail_fetches(second);
        assert_eq!(world.states().await, ["dead: unavailable"]);
        world.feedback.refuse(false);
        assert!(world.batch(&message, 1).await.is_empty());
        assert_eq!((world.states().await, world.feedback.sent().len()), (vec![end.to_owned()], 1));
    }
}
