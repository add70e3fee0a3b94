//! Only bodies are signed. A replay under other headers, or an unsigned word, has no effect without
//! the ERP.

use crate::together::pause;
use crate::world::{MAX_RECEIVE_COUNT, World, account, at, key_in, order};
use fixtures::TENANT;
use serde_json::{Value, json};
use webhooks_model::{Delivery, EntityId, LedgerKey};
use webhooks_visma::{Fault, Stage, VismaError};

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
    let (_, description) = world.answer(2).await;
    assert_eq!(description, "The same notification about account 1920 was received before.");

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
    assert_eq!(world.states().await, ["parked: unconfirmable"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (0, 0));
}

#[tokio::test]
async fn a_repeated_signed_deletion_of_an_existing_entity_is_superseded() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let body = json!({"contextId": "1234567", "event": "ACCOUNT_DELETED", "accountCd": "1920"});
    let deliver = async |id: &str| {
        world.batch(&[with_headers(&world, &body, &[("x-vwd-notification-id", id)]).to_message()], 1).await
    };
    deliver("00000000-0000-0000-0000-000000000001").await;
    deliver("00000000-0000-0000-0000-000000000002").await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    let (_, description) = world.answer(2).await;
    assert_eq!(description, "The deletion was not carried out, because Visma Net still has account 1920.");
}

#[tokio::test]
async fn a_deletion_under_a_key_with_odd_characters_is_confirmed_by_that_key() {
    let world = World::new().await;
    world.erp.put("v1/account/b64(MTk6MjA)", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let deliver = async |key: &str, id: &str| {
        let body = json!({"contextId": "1234567", "accountCd": key});
        let headers = [("x-vwd-notification-id", id), ("x-vwd-event-id", "ACCOUNT_DELETED")];
        world.batch(&[with_headers(&world, &body, &headers).to_message()], 1).await
    };
    deliver("19:20", "00000000-0000-0000-0000-000000000001").await;
    deliver("19:21", "00000000-0000-0000-0000-000000000002").await;
    assert_eq!(world.states().await, ["parked: unconfirmable", "processed"]);
}

#[tokio::test]
async fn a_tenant_that_only_a_header_names_is_confirmed_by_the_erp() {
    let world = World::new().await;
    let deliver = async |body: Value| {
        let headers = [("x-vwd-tenant-id", OTHER_TENANT)];
        world.batch(&[with_headers(&world, &body, &headers).to_message()], 1).await
    };
    deliver(json!({"event": "ACCOUNT_UPDATED", "data": {"accountCD": "1920"}})).await;
    deliver(json!({"event": "ACCOUNT_UPDATED", "accountCd": "1920"})).await;
    deliver(json!({"event": "VOUCHER_PROCESSED", "refNumber": "9"})).await;
    deliver(json!({"event": "FIRST_TIME_STARTUP_COMPLETED"})).await;
    let unconfirmable = "parked: unconfirmable";
    assert_eq!(world.states().await, [unconfirmable, unconfirmable, unconfirmable, "parked: unidentified"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (0, 0));
}

#[tokio::test]
async fn an_unsigned_notification_is_acted_on_only_as_the_erp_confirms_it() {
    let world = World::with_routes(json!([{"events": "*", "fetch": false}])).await;
    world.erp.put("v1/account/1", r#"{"accountID":1,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    world.erp.put("v1/customer/1", "{}");
    let messages = [
        world.legacy(&account(1, "account_deleted", "1")),
        world.legacy(&account(2, "account_deleted", "2")),
        world.legacy(&account(3, "account_changed", "1")),
        world.legacy(&json!({"contextId": "1234567", "event": "VOUCHER_PROCESSED", "refNumber": "9"})),
        world.legacy(&account(4, "account_changed", "3")),
        world.legacy(&json!({"contextId": "1234567", "event": "CUSTOMER_ACTION_TRIGGERED", "customerCd": "1"})),
    ];
    for message in messages {
        world.batch(&[message.to_message()], 1).await;
    }
    let unconfirmable = "parked: unconfirmable";
    let expected = [unconfirmable, unconfirmable, unconfirmable, unconfirmable, "processed", "processed"];
    assert_eq!(world.states().await, expected);
    assert!(!world.head(&account(1, "ACCOUNT_CHANGED", "1")).await.deleted);
    assert!(world.head(&account(1, "ACCOUNT_CHANGED", "2")).await.deleted);
}

#[tokio::test]
async fn an_unsigned_body_brings_no_status_previous_key_or_parameter() {
    let world = World::new().await;
    world.erp.put("v1/salesorder/SO/1", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    world.erp.put("v1/account/1921", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let forged = order(1, "salesorder_changed", "Completed", 0);
    world.batch(&[world.legacy(&forged).to_message()], 1).await;
    let mut renumbered = account(2, "ACCOUNT_IDENTITY_CHANGED", "1921");
    (renumbered["previousAccountCd"], renumbered["parameter"]) = ("3000".into(), "panic".into());
    world.batch(&[world.legacy(&renumbered).to_message()], 1).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    let head = world.head(&forged).await;
    assert_eq!((head.status.as_deref(), head.timeline.len()), (Some("Open"), 1));
    assert_eq!(world.head(&renumbered).await.previous_key, None);
    let key = EntityId { key: "3000".into(), ..key_in(&world.delivery(&renumbered)).entity };
    assert_eq!(world.table.table.head_of(&key).await.unwrap(), None, "an unrelated account is left alone");
    let event = world.events.sent()[0].json();
    assert_eq!(event["data"]["status"], "Open");
}

/// One body with two events, like a status change and an action of one purchase order.
async fn two_events(world: &World, order: [&str; 2], ids: [u128; 2], prepare: impl Fn(&mut Delivery, &str)) {
    world.erp.put("v1/purchaseorder/PO1053", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    for (event, id) in order.into_iter().zip(ids) {
        let mut delivery = world.delivery(&json!({"entityId": "PO1053"}));
        delivery.meta.tenant = Some(TENANT.into());
        let headers = &mut delivery.meta.headers;
        headers.insert("x-vwd-notification-id".into(), uuid::Uuid::from_u128(id).to_string());
        prepare(&mut delivery, event);
        world.batch(&[delivery.to_message()], 1).await;
    }
}

const STATUS: &str = "PURCHASE_ORDER_STATUS_CHANGED";
const ACTION: &str = "PURCHASE_ORDER_ACTION_TRIGGERED";

#[tokio::test]
async fn two_events_of_one_body_are_two_notifications_where_the_subscription_proves_the_event() {
    for order in [[STATUS, ACTION], [ACTION, STATUS]] {
        for ids in [[1, 1], [1, 2]] {
            let world = World::new().await;
            two_events(&world, order, ids, |delivery, event| delivery.meta.event = Some(event.into())).await;
            assert_eq!(world.states().await, ["processed", "processed"], "{order:?} {ids:?}");
            assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (2, 2), "{order:?} {ids:?}");
        }
    }
}

#[tokio::test]
async fn two_events_of_one_body_are_two_notifications_in_one_batch_as_well() {
    for ids in [[1, 1], [1, 2]] {
        let world = World::new().await;
        world.erp.put("v1/purchaseorder/PO1053", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
        let message = |event: &str, id: u128| {
            let mut delivery = world.delivery(&json!({"entityId": "PO1053"}));
            (delivery.meta.tenant, delivery.meta.event) = (Some(TENANT.into()), Some(event.into()));
            let id = uuid::Uuid::from_u128(id).to_string();
            delivery.meta.headers.insert("x-vwd-notification-id".into(), id);
            delivery.to_message()
        };
        assert!(world.batch(&[message(STATUS, ids[0]), message(ACTION, ids[1])], 1).await.is_empty());
        assert_eq!(world.states().await, ["processed", "processed"], "{ids:?}");
        assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (2, 2), "{ids:?}");
    }
}

#[tokio::test]
async fn an_action_only_in_a_header_of_a_known_body_waits_for_a_person() {
    let by_header = |delivery: &mut Delivery, event: &str| {
        delivery.meta.headers.insert("x-vwd-event-id".into(), event.into());
    };
    let by_shared_secret = |delivery: &mut Delivery, event: &str| {
        (delivery.meta.event, delivery.meta.shared_secret) = (Some(event.into()), true);
    };
    for ids in [[1, 1], [1, 2]] {
        let world = World::new().await;
        two_events(&world, [STATUS, ACTION], ids, by_header).await;
        assert_eq!(world.states().await, ["parked: unconfirmable", "processed"], "{ids:?}");
        let world = World::new().await;
        two_events(&world, [STATUS, ACTION], ids, by_shared_secret).await;
        assert_eq!(world.states().await, ["parked: unconfirmable", "processed"], "{ids:?}");
        assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1), "{ids:?}");
        // The action came first; the ERP confirms the change of status.
        let world = World::new().await;
        two_events(&world, [ACTION, STATUS], ids, by_header).await;
        assert_eq!(world.states().await, ["parked: unconfirmable", "processed"], "{ids:?}");
        // A pause does not carry it out either.
        let world = World::new().await;
        pause(&world, "*").await;
        two_events(&world, [ACTION, ACTION], ids, by_header).await;
        assert!(world.states().await.iter().all(|state| state == "parked: unconfirmable"), "{ids:?}");
    }
}

#[tokio::test]
async fn an_action_only_in_a_header_is_carried_out_when_a_person_replays_it() {
    let world = World::new().await;
    world.erp.put("v1/purchaseorder/PO1053", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    let body = json!({"contextId": "1234567", "entityId": "PO1053"});
    let delivery = with_headers(&world, &body, &[("x-vwd-event-id", ACTION)]);
    world.batch(&[delivery.to_message()], 1).await;
    assert_eq!((world.states().await, world.events.sent().len()), (vec!["parked: unconfirmable".to_owned()], 0));
    let replay = world.table.table.replay(&key_in(&delivery)).await.unwrap().unwrap();
    assert!(world.batch(&[replay.to_message()], 1).await.is_empty());
    assert_eq!((world.states().await, world.events.sent().len()), (vec!["processed".to_owned()], 1));
}

#[tokio::test]
async fn an_action_only_in_a_header_waits_for_a_person_also_if_its_tenant_was_added_just_now() {
    let world = World::new().await;
    world.erp.put("v1/purchaseorder/PO1053", r#"{"status":"Open","lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    world.settings.document()["subscriptions"][0]["tenants"] = json!(["another"]);
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.settings.document()["subscriptions"][0]["tenants"] = json!([TENANT]);
    world.host.advance(time::Duration::seconds(1));
    let body = json!({"contextId": "1234567", "entityId": "PO1053"});
    world.batch(&[with_headers(&world, &body, &[("x-vwd-event-id", ACTION)]).to_message()], 1).await;
    assert_eq!(world.states().await, ["parked: tenant_not_served", "parked: unconfirmable"]);
}

#[tokio::test]
async fn an_ambiguous_event_stays_parked_when_it_is_delivered_again_and_goes_on_when_a_person_replays_it() {
    const CHANGED: &str = "ACCOUNT_CHANGED";
    const CREATED: &str = "ACCOUNT_CREATED";
    let by_header = |delivery: &mut Delivery, event: &str| {
        delivery.meta.headers.insert("x-vwd-event-id".into(), event.into());
    };
    let world = World::new().await;
    world.erp.put("v1/account/PO1053", r#"{"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    two_events(&world, [CHANGED, CREATED], [1, 2], by_header).await;
    two_events(&world, [CREATED, CREATED], [2, 2], by_header).await;
    assert_eq!(world.states().await, ["parked: ambiguous", "processed"]);
    let items = world.table.items().await;
    let parked = items.iter().find(|item| item.get("reason").is_some()).unwrap();
    let text = |name: &str| parked[name].as_s().unwrap().clone();
    let (pk, sk) = (text("pk"), text("sk"));
    let mut parts = pk.splitn(3, '#');
    let (tenant, key) = (parts.next().unwrap().to_owned(), parts.nth(1).unwrap().to_owned());
    let entity = EntityId { tenant, entity: webhooks_model::Entity::Account, key };
    let notification = sk.strip_prefix("N#").unwrap().to_owned().try_into().unwrap();
    let replay = world.table.table.replay(&LedgerKey { entity, notification }).await.unwrap().unwrap();
    world.batch(&[replay.to_message()], 1).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
}

#[tokio::test]
async fn processes_a_repetition_of_a_dead_notification() {
    let world = World::new().await;
    let body = json!({"contextId": "1234567", "event": "ACCOUNT_CHANGED", "accountCd": "1920"});
    let deliver = async |id: &str, receives| {
        world.batch(&[with_headers(&world, &body, &[("x-vwd-notification-id", id)]).to_message()], receives).await
    };
    let fault = Fault::Status(503);
    for receives in 1..=MAX_RECEIVE_COUNT {
        world.erp.fail_fetches([VismaError::Unavailable { stage: Stage::Resource, fault, after: None }]);
        deliver("00000000-0000-0000-0000-000000000001", receives).await;
    }
    assert_eq!(world.states().await, ["dead: unavailable"]);
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    deliver("00000000-0000-0000-0000-000000000002", 1).await;
    assert_eq!(world.states().await, ["dead: unavailable", "processed"]);
}

#[tokio::test]
async fn ids_that_are_not_uuids_distinguish_two_notifications() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7}"#);
    let body = json!({"contextId": "1234567", "event": "ACCOUNT_CREATED", "accountCd": "1920"});
    for id in ["4711", "4712", "4711"] {
        world.batch(&[with_headers(&world, &body, &[("x-vwd-notification-id", id)]).to_message()], 1).await;
    }
    assert_eq!(world.states().await.len(), 2);
}
