//! APIs whose times have no zone, and bodies with the time at which the webhook was made.

use crate::world::{World, account};
use fixtures::{TENANT, TestHost};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;
use webhooks_model::Ticks;

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
