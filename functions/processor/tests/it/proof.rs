//! Only bodies are signed: whoever replays one under other headers, or speaks unsigned, gains nothing.

use crate::world::{World, account, at};
use fixtures::TENANT;
use serde_json::{Value, json};
use webhooks_model::Delivery;

const OTHER_TENANT: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn with_headers(world: &World, body: &Value, headers: &[(&str, &str)]) -> Delivery {
    let mut delivery = world.delivery(body);
    delivery.meta.headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    delivery
}

#[tokio::test]
async fn a_replay_under_altered_headers_changes_nothing() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.take(&body).await;
    let forged = [
        ("x-vwd-notification-id", "00000000-0000-0000-0000-000000000077"),
        ("x-vwd-tenant-id", OTHER_TENANT),
        ("x-vwd-event-id", "ACCOUNT_DELETED"),
        ("x-vwd-notification-timestamp", "99999999999999"),
    ];
    world.batch(&[with_headers(&world, &body, &forged).to_message()], 1).await;
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
}

#[tokio::test]
async fn a_replay_of_a_body_without_an_id_is_checked_against_the_erp() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let body = json!({"accountCd": "1920"});
    let deliver = async |id: &str| {
        let headers =
            [("x-vwd-notification-id", id), ("x-vwd-tenant-id", TENANT), ("x-vwd-event-id", "ACCOUNT_CHANGED")];
        world.batch(&[with_headers(&world, &body, &headers).to_message()], 1).await
    };
    deliver("00000000-0000-0000-0000-000000000001").await;
    deliver("00000000-0000-0000-0000-000000000002").await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert_eq!(world.events.sent().len(), 1);

    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:05:00"}"#);
    deliver("00000000-0000-0000-0000-000000000003").await;
    assert_eq!(world.events.sent().len(), 2, "a true change with the same content is news");
}

#[tokio::test]
async fn a_deletion_that_only_a_header_announces_is_confirmed_first() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let body = json!({"contextId": "1234567", "accountCd": "1920"});
    let headers =
        [("x-vwd-notification-id", "00000000-0000-0000-0000-000000000001"), ("x-vwd-event-id", "ACCOUNT_DELETED")];
    world.batch(&[with_headers(&world, &body, &headers).to_message()], 1).await;
    assert_eq!(world.erp.fetched(), [at("v1/account/1920")]);
    assert_eq!(world.states().await, ["superseded"]);
    assert!(!world.head(&account(1, "ACCOUNT_CHANGED", "1920")).await.deleted);
    let (_, description) = world.answer(1).await;
    assert_eq!(description, "The deletion of account 1920 was not carried out, for Visma Net still has it.");
}

#[tokio::test]
async fn an_unsigned_notification_is_acted_on_only_as_the_erp_confirms_it() {
    let world = World::with_routes(json!([{"events": "*", "fetch": false}])).await;
    world.erp.put("v1/account/1", r#"{"accountID":1,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let messages = [
        world.legacy(&account(1, "account_deleted", "1")),
        world.legacy(&account(2, "account_deleted", "2")),
        world.legacy(&account(3, "account_changed", "1")),
        world.legacy(&json!({"contextId": "1234567", "event": "VOUCHER_PROCESSED", "refNumber": "9"})),
    ];
    for message in messages {
        world.batch(&[message.to_message()], 1).await;
    }
    assert_eq!(world.states().await, ["parked: unconfirmable", "processed", "processed", "superseded"]);
    assert!(!world.head(&account(1, "ACCOUNT_CHANGED", "1")).await.deleted);
    assert!(world.head(&account(1, "ACCOUNT_CHANGED", "2")).await.deleted);
}
