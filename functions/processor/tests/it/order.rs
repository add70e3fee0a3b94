//! The order of changes, whatever the order of arrival: also by clocks whose times have no zone,
//! and for bodies with the time at which the webhook was made.

use crate::world::{World, account, order};
use fixtures::{TENANT, TestHost};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;
use webhooks_model::delivery::RECONCILIATION;
use webhooks_model::{Origin, Ticks};

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
async fn only_a_delivery_of_the_reconciler_has_the_time_of_the_resource() {
    let [first, second] = [("Open", 100), ("On hold", 0)];
    for (origins, expected) in [
        ([Origin::Reconciliation, Origin::Webhook], ["processed", "processed"]),
        ([Origin::Webhook, Origin::Replay], ["processed", "superseded"]),
    ] {
        let world = without_fetch().await;
        for ((id, (status, ticks)), origin) in [(1, first), (2, second)].into_iter().zip(origins) {
            let mut delivery = world.delivery(&order(id, "SALES_ORDER_STATUS_CHANGED", status, ticks));
            delivery.meta.origin = origin;
            if origin == Origin::Reconciliation {
                delivery.meta.subscription = RECONCILIATION.into();
            }
            assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
        }
        assert_eq!(world.states().await, expected, "{origins:?}");
    }
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

/// A world in Oslo at this moment.
async fn oslo(now: OffsetDateTime) -> World {
    let world = World::new().await;
    world.settings.document()["visma"]["erp_time_zone"] = json!("Europe/Oslo");
    world.host.advance(now - TestHost::START);
    world
}

impl World {
    /// Changes the account in the ERP.
    fn changed(&self, shown: &str, description: &str, etag: &str) {
        let account = json!({
            "accountID": 77, "accountCD": "1920", "description": description, "lastModifiedDateTime": shown, "timeStamp": etag,
        });
        self.erp.put("v1/account/1920", &account.to_string());
    }

    fn descriptions(&self) -> Vec<Value> {
        self.events.sent().iter().map(|sent| sent.json()["data"]["resource"]["description"].clone()).collect()
    }
}

#[tokio::test]
async fn a_change_in_the_second_of_two_equal_hours_is_published() {
    let world = oslo(datetime!(2026-10-25 0:50:02 UTC)).await;
    world.changed("2026-10-25T02:50:00.000", "A", "AAAAAAAAAAE=");
    world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    world.host.advance(time::Duration::minutes(20));
    world.changed("2026-10-25T02:10:00.000", "B", "AAAAAAAAAAI=");
    world.take(&account(2, "ACCOUNT_CHANGED", "1920")).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    assert_eq!(world.descriptions(), ["A", "B"]);
    let head = world.head(&account(2, "ACCOUNT_CHANGED", "1920")).await;
    assert!(head.notification.unwrap().ends_with("000000000002"), "B is the head's");
}

#[tokio::test]
async fn without_a_fetch_the_second_of_two_equal_hours_is_published() {
    let world = without_fetch().await;
    world.host.advance(datetime!(2026-10-25 0:50:02 UTC) - TestHost::START);
    for (id, shown) in [(1, datetime!(2026-10-25 2:50 UTC)), (2, datetime!(2026-10-25 2:10 UTC))] {
        let mut body = account(id, "ACCOUNT_CHANGED", "1920");
        body["timeStamp"] = json!(Ticks::from_datetime(shown).get());
        world.take(&body).await;
        world.host.advance(time::Duration::minutes(20));
    }
    assert_eq!(world.states().await, ["processed", "processed"]);
    assert_eq!(world.events.sent().len(), 2);
}

#[tokio::test]
async fn a_change_behind_the_hour_that_is_skipped_is_published() {
    let world = oslo(datetime!(2026-03-29 0:59:59 UTC)).await;
    world.changed("2026-03-29T01:59:58.000", "A", "AAAAAAAAAAE=");
    world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    world.host.advance(time::Duration::seconds(3));
    world.changed("2026-03-29T03:00:01.000", "B", "AAAAAAAAAAI=");
    world.take(&account(2, "ACCOUNT_CHANGED", "1920")).await;
    assert_eq!(world.descriptions(), ["A", "B"]);
}

#[tokio::test]
async fn a_webhook_that_was_made_late_does_not_hide_the_next_change() {
    let world = World::new().await;
    let made = |id, at: &str| {
        let mut body = account(id, "ACCOUNT_CHANGED", "1920");
        body["timestamp"] = json!(at);
        body
    };
    world.changed("2026-11-23T11:00:00.000", "A", "AAAAAAAAAAE=");
    world.take(&made(1, "2026-11-23T11:00:30.000Z")).await;
    world.changed("2026-11-23T11:00:10.000", "B", "AAAAAAAAAAI=");
    world.take(&made(2, "2026-11-23T11:00:20.000Z")).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    assert_eq!(world.descriptions(), ["A", "B"]);
}

/// The time of an order of version 3 that shows 11:30 without a zone.
async fn order_is_read_as(zones: &[(&str, &str)]) -> OffsetDateTime {
    let world = World::new().await;
    for (field, zone) in zones {
        world.settings.document()["visma"][*field] = json!(zone);
    }
    let order = json!({
        "type": "SO", "orderId": "000101", "lastModified": "2026-11-23T11:30:00", "version": "AAAAAAAB4kA=",
        "status": {"description": "Open", "cancelled": false, "hold": false},
    });
    world.erp.put("api/v3/SalesOrders/SO/000101", &order.to_string());
    let mut delivery = world.delivery(&json!({"type": "SO", "orderId": "000101"}));
    (delivery.meta.event, delivery.meta.tenant) = (Some("SALESORDER_UPDATED".into()), Some(TENANT.into()));
    delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(1).to_string());
    assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    let named = json!({"contextId": "1234567", "event": "SALESORDER_UPDATED", "type": "SO", "orderId": "000101"});
    let timeline: Vec<(Ticks, String)> = world.head(&named).await.timeline;
    assert_eq!(timeline.len(), 1);
    timeline[0].0.to_datetime()
}

#[tokio::test]
async fn each_api_has_its_own_zone_and_sales_orders_default_to_utc() {
    let (utc, oslo) = (datetime!(2026-11-23 11:30 UTC), datetime!(2026-11-23 10:30 UTC));
    assert_eq!(order_is_read_as(&[]).await, utc);
    assert_eq!(order_is_read_as(&[("erp_time_zone", "Europe/Oslo")]).await, utc);
    let both = [("erp_time_zone", "America/New_York"), ("sales_order_time_zone", "Europe/Oslo")];
    assert_eq!(order_is_read_as(&both).await, oslo);
}
