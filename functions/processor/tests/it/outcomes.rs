use crate::world::{World, account, at, order};
use fixtures::TENANT;
use serde_json::{Value, json};
use webhooks_model::Origin;
use webhooks_model::delivery::RECONCILIATION;

#[tokio::test]
async fn a_change_is_fetched_recorded_published_and_answered() {
    let world = World::new().await;
    world.erp.put(
        "v1/account/1920",
        r#"{"accountID":7,"accountCD":"1920","cashAccount":true,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#,
    );
    assert!(world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await.is_empty());

    assert_eq!(world.states().await, ["processed"]);
    assert_eq!(world.erp.fetched(), [at("v1/account/1920")]);
    let event = world.events.sent()[0].json();
    assert_eq!(event["type"], "net.visma.account.changed");
    assert_eq!(event["data"]["resource"]["accountID"], 7);
    assert_eq!(event["data"]["detail"], "cash_account");
    assert_eq!(world.events.sent()[0].group.as_deref(), Some(TENANT));
    assert_eq!(world.feedback.sent()[0].json()["notification"]["key"], "1920");
    assert_eq!(world.answer(1).await, (true, "The change to account 1920 was received and processed.".into()));
    let head = world.head(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    assert_eq!((head.internal_id.as_deref(), head.detail.as_deref()), (Some("7"), Some("cash_account")));
}

#[tokio::test]
async fn a_duplicate_has_no_effect() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CREATED", "1920");
    for _ in 0..3 {
        assert!(world.take(&body).await.is_empty());
    }
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
}

#[tokio::test]
async fn every_item_of_an_array_is_a_notification_of_its_own() {
    let world = World::new().await;
    let items: Vec<Value> = (1..=5).map(|n| account(n, "ACCOUNT_UPDATED", &n.to_string())).collect();
    assert!(world.take(&json!(items)).await.is_empty());
    assert_eq!(world.states().await, ["processed"; 5]);
    assert!(world.take(&json!([])).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_not_json_ends_as_unparseable_and_keeps_its_text() {
    let world = World::new().await;
    let messages = ["not json", "5", "\u{feff}{"].map(|body| world.raw_delivery(body.as_bytes()).to_message());
    assert!(world.batch(&messages, 1).await.is_empty());
    assert_eq!(world.states().await, ["unparseable"; 3]);
    assert_eq!(world.table.needing_attention("unparseable").await, 3);
    assert!(world.events.sent().is_empty() && world.feedback.sent().is_empty());
}

#[tokio::test]
async fn parks_unknown_events_unknown_tenants_and_foreign_tenants() {
    let world = World::new().await;
    world.settings.document()["subscriptions"][0]["tenants"] = json!(["another"]);
    let known = account(1, "ACCOUNT_CHANGED", "1");
    let with = |name: &str, value: &str| {
        let mut body = known.clone();
        body[name] = json!(value);
        body
    };
    for body in [&with("event", "PAYROLL_RUN"), &with("contextId", "7654321"), &known] {
        assert!(world.take(body).await.is_empty());
    }
    assert_eq!(world.states().await, ["parked: tenant_not_served", "parked: tenant_unknown", "parked: unmapped"]);
    assert!(world.erp.fetched().is_empty() && world.events.sent().is_empty());
}

#[tokio::test]
async fn a_resource_that_is_gone_is_processed_and_said_to_be_gone() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_UPDATED", "1920")).await;
    assert_eq!(world.states().await, ["processed"]);
    let (_, description) = world.answer(1).await;
    assert_eq!(description, "The notification was received, but Visma Net did not find account 1920.");
}

#[tokio::test]
async fn a_signed_deletion_is_believed_without_asking() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_DELETED", "1920")).await;
    assert!(world.erp.fetched().is_empty());
    assert!(world.head(&account(1, "ACCOUNT_DELETED", "1920")).await.deleted);
}

#[tokio::test]
async fn a_renumbered_account_is_linked_from_its_old_number_by_its_stable_id() {
    let world = World::new().await;
    world.erp.put("v1/account/1920", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#);
    world.take(&account(1, "ACCOUNT_CREATED", "1920")).await;
    world.erp.remove("v1/account/1920");
    world.erp.put("v1/account/1921", r#"{"accountID":7,"lastModifiedDateTime":"2026-11-23T11:30:00"}"#);
    world.take(&account(2, "ACCOUNT_IDENTITY_CHANGED", "1921")).await;
    let old = world.head(&account(9, "ACCOUNT_CHANGED", "1920")).await;
    let new = world.head(&account(9, "ACCOUNT_CHANGED", "1921")).await;
    assert_eq!(old.renumbered_to.as_deref(), Some("1921"));
    assert_eq!(new.previous_key.as_deref(), Some("1920"));
}

#[tokio::test]
async fn a_long_status_or_id_of_the_erp_does_not_stop_a_notification() {
    let world = World::new().await;
    let resource = json!({
        "accountID": "7".repeat(3000), "status": "x".repeat(500_000), "lastModifiedDateTime": "2026-11-23T11:00:00",
    });
    world.erp.put("v1/account/1920", &resource.to_string());
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    assert!(world.take(&body).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    let head = world.head(&body).await;
    assert_eq!((head.internal_id, head.status), (None, Some(format!("{}…", "x".repeat(255)))));
}

#[tokio::test]
async fn an_action_is_published_with_its_parameter() {
    let world = World::with_routes(json!([{"events": "*.action", "fetch": false}])).await;
    let mut body = order(1, "SALES_ORDER_ACTION_TRIGGERED", "Open", 0);
    body["parameter"] = json!("print label");
    world.take(&body).await;
    assert_eq!(world.events.sent()[0].json()["data"]["parameter"], "print label");
    assert!(world.erp.fetched().is_empty());
}

#[tokio::test]
async fn does_not_park_a_delivery_of_a_newly_added_subscription() {
    let world = World::new().await;
    world.settings.document()["subscriptions"][0]["tenants"] = json!(["another"]);
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    assert_eq!(world.states().await, ["parked: tenant_not_served"]);
    world.settings.document()["subscriptions"][0]["tenants"] = json!([fixtures::TENANT]);
    world.host.advance(time::Duration::seconds(1));
    world.take(&account(2, "ACCOUNT_CHANGED", "2")).await;
    assert_eq!(world.states().await, ["parked: tenant_not_served", "processed"]);
}

#[tokio::test]
async fn the_reconcilers_deliveries_and_their_replays_need_no_subscription() {
    for (origin, subscription, end) in [
        (Origin::Reconciliation, RECONCILIATION, "processed"),
        (Origin::Replay, RECONCILIATION, "processed"),
        (Origin::Webhook, RECONCILIATION, "parked: tenant_not_served"),
        (Origin::Replay, "another", "parked: tenant_not_served"),
        (Origin::Replay, "all", "processed"),
    ] {
        let world = World::new().await;
        let mut delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
        delivery.meta.origin = origin;
        delivery.meta.subscription = subscription.into();
        assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
        assert_eq!(world.states().await, [end], "{origin:?} {subscription}");
    }
}

#[tokio::test]
async fn a_renumbering_that_names_the_old_number_is_linked_without_asking_and_no_other_event_renumbers() {
    let world = World::with_routes(json!([{"events": "*", "fetch": false}])).await;
    let renumbered = |id, event, number, before: &str| {
        let mut body = account(id, event, number);
        body["previousAccountCd"] = json!(before);
        body
    };
    let linked = async |number| {
        let head = world.head(&account(9, "ACCOUNT_CHANGED", number)).await;
        (head.previous_key, head.renumbered_to)
    };
    for number in ["1920", "1930"] {
        world.take(&account(number.parse().unwrap(), "ACCOUNT_CREATED", number)).await;
    }
    world.take(&renumbered(1, "ACCOUNT_IDENTITY_CHANGED", "1921", "1920")).await;
    world.take(&renumbered(2, "ACCOUNT_UPDATED", "1931", "1930")).await;
    world.take(&renumbered(3, "ACCOUNT_IDENTITY_CHANGED", "1941", "1941")).await;
    assert_eq!(linked("1920").await, (None, Some("1921".into())));
    assert_eq!(linked("1921").await, (Some("1920".into()), None));
    assert_eq!((linked("1930").await, linked("1931").await), ((None, None), (None, None)));
    assert_eq!(linked("1941").await.1, None, "it goes on under its own number");
}
