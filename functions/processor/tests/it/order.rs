use crate::world::{World, account, order};
use fixtures::TENANT;
use serde_json::{Value, json};
use uuid::Uuid;

const NO_FETCH: &str = r#"[{"events": "*", "fetch": false}]"#;

async fn without_fetch() -> World {
    World::with_routes(serde_json::from_str(NO_FETCH).unwrap()).await
}

async fn timeline(world: &World, body: &Value) -> (Option<String>, Vec<String>) {
    let head = world.head(body).await;
    (head.status, head.timeline.into_iter().map(|(_, status)| status).collect())
}

#[tokio::test]
async fn a_late_hint_is_superseded_and_still_has_its_place_in_the_timeline() {
    let world = without_fetch().await;
    let (hold, open) =
        (order(1, "SALES_ORDER_STATUS_CHANGED", "On hold", 0), order(2, "SALES_ORDER_STATUS_CHANGED", "Open", 100));
    world.take(&open).await;
    world.take(&hold).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    let expected = ["On hold".to_owned(), "Open".to_owned()].to_vec();
    assert_eq!(timeline(&world, &open).await, (Some("Open".into()), expected));
    assert_eq!(world.events.sent().len(), 1);
    let (_, description) = world.answer(1).await;
    assert_eq!(description, "A newer change to sales order SO/1 has already been processed.");
}

#[tokio::test]
async fn the_order_of_arrival_makes_no_difference() {
    let bodies = [
        order(1, "SALES_ORDER_STATUS_CHANGED", "On hold", 0),
        order(2, "SALES_ORDER_STATUS_CHANGED", "Open", 100),
        order(3, "SALES_ORDER_STATUS_CHANGED", "Completed", 200),
    ];
    let expected = ["On hold", "Open", "Completed"].map(str::to_owned).to_vec();
    for arrival in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let world = without_fetch().await;
        for at in arrival {
            world.take(&bodies[at]).await;
        }
        assert_eq!(timeline(&world, &bodies[0]).await, (Some("Completed".into()), expected.clone()), "{arrival:?}");
    }
}

#[tokio::test]
async fn a_deletion_shows_though_its_time_was_never_set() {
    let world = without_fetch().await;
    for (id, event, time) in
        [(1, "ACCOUNT_CHANGED", "2026-11-23T11:00:00"), (2, "ACCOUNT_DELETED", "0001-01-01T00:00:00")]
    {
        let mut body = account(id, event, "1920");
        body["timeStamp"] = json!(time);
        world.take(&body).await;
    }
    assert!(world.head(&account(1, "ACCOUNT_CHANGED", "1920")).await.deleted);
}

#[tokio::test]
async fn a_creation_is_published_however_late_it_comes() {
    let world = without_fetch().await;
    world.take(&order(1, "SALESORDER_UPDATED", "Open", 100)).await;
    world.take(&order(2, "SALESORDER_CREATED", "On hold", 0)).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    let types: Vec<Value> = world.events.sent().iter().map(|sent| sent.json()["type"].clone()).collect();
    assert_eq!(types, ["net.visma.sales_order.updated", "net.visma.sales_order.created"]);
}

#[tokio::test]
async fn the_status_comes_from_the_resource_and_the_timeline_from_notifications() {
    let world = World::new().await;
    world.erp.put("v1/salesorder/SO/1", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let hold = order(1, "SALES_ORDER_STATUS_CHANGED", "On hold", 0);
    world.take(&hold).await;
    assert_eq!(timeline(&world, &hold).await, (Some("Open".into()), vec!["On hold".to_owned()]));
}

#[tokio::test]
async fn the_status_of_an_order_of_version_three_is_in_its_head_its_timeline_and_its_events() {
    let world = World::new().await;
    let body = json!({"type": "SO", "orderId": "000101"});
    for (id, description, hold) in [(1, "Open", false), (2, "Completed", false), (3, "Completed", true)] {
        let order = json!({
            "type": "SO", "orderId": "000101", "lastModified": format!("2026-11-23T11:00:0{id}.123Z"),
            "status": {"description": description, "cancelled": false, "hold": hold}, "version": format!("AAAAAAAB4k{id}="),
        });
        world.erp.put("api/v3/SalesOrders/SO/000101", &order.to_string());
        let mut delivery = world.delivery(&body);
        (delivery.meta.event, delivery.meta.tenant) = (Some("SALESORDER_UPDATED".into()), Some(TENANT.into()));
        delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(id).to_string());
        assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    }
    assert_eq!(world.states().await, ["processed"; 3]);
    let expected = ["Open", "Completed", "Completed (hold)"];
    let named = json!({"contextId": "1234567", "event": "SALESORDER_UPDATED", "type": "SO", "orderId": "000101"});
    let (status, seen) = timeline(&world, &named).await;
    assert_eq!((status.as_deref(), seen), (Some("Completed (hold)"), expected.map(str::to_owned).to_vec()));
    let published: Vec<Value> = world.events.sent().iter().map(|sent| sent.json()["data"]["status"].clone()).collect();
    assert_eq!(published, expected);
}

#[tokio::test]
async fn the_same_id_with_new_content_is_processed_again() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    let mut again = account(1, "ACCOUNT_CHANGED", "1920");
    again["message"] = json!("renamed");
    world.take(&again).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
}
