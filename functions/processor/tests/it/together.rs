//! One answer for several items of a delivery with the same id of Visma Net.

use crate::world::{MAX_RECEIVE_COUNT, World};
use serde_json::{Value, json};
use uuid::Uuid;

fn item(event: &str, key: &str, parameter: &str) -> Value {
    json!({"contextId": "1234567", "event": event, "customerCd": key, "parameter": parameter})
}

async fn deliver(world: &World, items: &Value, receives: &[u32]) {
    for customer in ["1", "2", "3"] {
        world.erp.put(&format!("v1/customer/{customer}"), "{}");
    }
    let mut delivery = world.delivery(items);
    delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(7).to_string());
    for receive_count in receives {
        world.batch(&[delivery.to_message()], *receive_count).await;
    }
}

fn answers(world: &World) -> Vec<(Value, Value)> {
    let sent = world.feedback.sent();
    sent.iter().map(|message| message.json()).map(|m| (m["is_success"].clone(), m["description"].clone())).collect()
}

#[tokio::test]
async fn items_under_one_id_are_answered_once_when_all_have_ended() {
    let world = World::new().await;
    let changed = |key| item("CUSTOMER_CHANGED", key, "");
    deliver(&world, &json!([changed("1"), changed("2"), changed("2")]), &[1, 2]).await;
    assert_eq!(world.states().await, ["processed"; 3]);
    let all = json!("All changes in this notification (3) were received and processed.");
    let told = answers(&world);
    assert!(!told.is_empty() && told.iter().all(|one| *one == (json!(true), all.clone())), "{told:?}");
    let records = world.table.items().await;
    let awaited = records.iter().filter(|item| item.get("feedback").is_some_and(|f| f.as_s().unwrap() == "awaited"));
    assert_eq!(awaited.count(), 1, "the outcome is for one record, so a repeated one is a duplicate");
}

#[tokio::test]
async fn one_answer_says_how_many_went_wrong() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "refuse"), action("3", "person")]);
    deliver(&world, &items, &[1]).await;
    let some = "Processed changes in this notification: 1 of 3. The integrator has been told of the rest.";
    assert_eq!(answers(&world), [(json!(false), json!(some))]);
}

#[tokio::test]
async fn the_answer_waits_for_the_last_attempt_of_the_last_item() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", "panic"), action("2", "")]);
    let receives: Vec<u32> = (1..MAX_RECEIVE_COUNT).collect();
    deliver(&world, &items, &receives).await;
    assert_eq!(answers(&world), []);
    deliver(&world, &items, &[MAX_RECEIVE_COUNT]).await;
    let some = "Processed changes in this notification: 1 of 2. The integrator has been told of the rest.";
    assert_eq!(answers(&world), [(json!(false), json!(some))]);
    assert_eq!(world.states().await, ["dead: bug", "processed"]);
}

#[tokio::test]
async fn items_with_ids_of_their_own_are_answered_one_by_one() {
    let world = World::new().await;
    let mut items = json!([item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_CHANGED", "2", "")]);
    for (at, id) in [(0, 1), (1, 2)] {
        items[at]["notificationId"] = Uuid::from_u128(id).to_string().into();
    }
    deliver(&world, &items, &[1]).await;
    assert_eq!(world.feedback.sent().len(), 2);
    assert!(world.feedback.sent().iter().all(|message| message.json()["type"] == "feedback"));
}
