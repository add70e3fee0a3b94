use crate::world::{World, account, order};
use serde_json::{Value, json};

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
async fn what_is_superseded_is_answered_at_once_for_nobody_else_hears_of_it() {
    let world = World::with_routes(deferred()).await;
    world.take(&order(1, "SALESORDER_UPDATED", "Open", 100)).await;
    world.take(&order(2, "SALESORDER_UPDATED", "Open", 0)).await;
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn a_route_can_leave_the_accountant_without_an_answer() {
    let world = World::with_routes(deferred()).await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    assert_eq!(world.states().await, ["processed"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn the_handlers_word_is_what_the_accountant_reads() {
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
