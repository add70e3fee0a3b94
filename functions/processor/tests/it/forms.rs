//! Messages in unusual forms that were seen elsewhere, where each stopped a queue or lost a text.
//! Also bodies that identify no entity: their notifications are never called processed.

use crate::world::{World, account};
use fixtures::TENANT;
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks_model::catalogue::CATALOGUE;
use webhooks_telemetry::{Captured, subscriber_for_tests};

#[tokio::test]
async fn foreign_messages_fail_alone_and_the_others_of_their_batch_go_on() {
    let world = World::new().await;
    let foreign = [
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#,
        "{\n  \"Type\": \"Notification\",\n  \"Message\": \"{}\"\n}",
        r#"{"Type":"Notification","Message":"{}"}"#,
        r#""""#,
    ];
    let own = (1..=6).map(|id| world.message(&account(id, "ACCOUNT_CREATED", &id.to_string())));
    let messages: Vec<String> = foreign.map(str::to_owned).into_iter().chain(own).collect();
    assert_eq!(world.batch(&messages, 1).await, [0, 1, 2, 3]);
    assert_eq!(world.states().await, ["processed"; 6]);
}

#[tokio::test]
async fn ignores_a_byte_order_mark_before_a_body() {
    let world = World::new().await;
    let body = format!("\u{feff}{}", account(1, "ACCOUNT_CREATED", "1920"));
    assert!(world.batch(&[world.raw_delivery(body.as_bytes()).to_message()], 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert!(!world.head(&account(1, "ACCOUNT_CREATED", "1920")).await.deleted);
}

#[tokio::test]
async fn text_beyond_ascii_arrives_unchanged_in_ledger_and_event() {
    let text = "Pål ₹ മലയാളം 🚒";
    let body = format!(
        r#"{{"notificationId":"00000000-0000-0000-0000-0000000000a1","event":"CUSTOMER_CHANGED","entityId":"10001","message":"{text}"}}"#
    );
    let world = World::new().await;
    let mut delivery = world.raw_delivery(body.as_bytes());
    delivery.meta.tenant = Some(TENANT.into());
    assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!(*world.table.item("N#").await["raw"].as_s().unwrap(), body);
    assert_eq!(world.events.sent()[0].json()["data"]["parameter"], text);
}

#[tokio::test]
async fn the_same_text_in_escapes_is_another_content_under_the_same_id_and_reads_the_same() {
    let world = World::new().await;
    for text in ["Pål ₹ 🚒", r"P\u00e5l \u20b9 \ud83d\ude92"] {
        let body = format!(
            r#"{{"notificationId":"00000000-0000-0000-0000-0000000000a1","event":"CUSTOMER_CHANGED","entityId":"10001","message":"{text}"}}"#
        );
        let mut delivery = world.raw_delivery(body.as_bytes());
        delivery.meta.tenant = Some(TENANT.into());
        assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    }
    assert_eq!(world.states().await, ["processed"; 2]);
    let read: Vec<_> = world.events.sent().iter().map(|sent| sent.json()["data"]["parameter"].clone()).collect();
    assert_eq!(read, ["Pål ₹ 🚒"; 2]);
}

#[tokio::test]
async fn a_sentence_beyond_ascii_is_what_the_accountant_reads() {
    let world = World::new().await;
    world.take(&json!({
        "notificationId": Uuid::from_u128(1), "contextId": "1234567", "event": "CUSTOMER_CHANGED", "customerCd": "Pål ₹ 🚒",
    }))
    .await;
    let (_, description) = world.answer(1).await;
    assert!(description.contains("Pål ₹ 🚒"), "{description}");
}

/// The outcome: states, number of events and number of answers.
async fn end(world: &World, event: &str, body: Value) -> (Vec<String>, usize, usize) {
    let mut body = body;
    for (name, value) in [("event", event), ("contextId", "1234567")] {
        body[name] = value.into();
    }
    body["notificationId"] = Uuid::from_u128(1).to_string().into();
    world.take(&body).await;
    (world.states().await, world.events.sent().len(), world.feedback.sent().len())
}

#[tokio::test]
async fn parks_every_event_whose_body_identifies_nothing() {
    for event in CATALOGUE {
        let world = World::new().await;
        let found = end(&world, event.id, json!({})).await;
        let expected = match event.id {
            "FIRST_TIME_STARTUP_COMPLETED" => (vec!["processed".to_owned()], 1, 1),
            _ => (vec!["parked: unidentified".to_owned()], 0, 0),
        };
        assert_eq!(found, expected, "{}", event.id);
    }
}

#[tokio::test]
async fn parks_what_it_cannot_identify_with_its_reason_and_its_text() {
    let long = "9".repeat(257);
    for (body, reason) in [
        (json!({"data": {"accountCD": "1920"}}), "unidentified"),
        (json!({"primaryKeys": [{"OrderNo": 9_223_372_036_854_775_807_i64}], "customerNo": 0}), "unidentified"),
        (json!({"id": "3fa85f64-5717-4562-b3fc-2c963f66afa6"}), "unidentified"),
        (json!({"relativeResourceUri": "api/v1/customer/5"}), "invalid_path"),
        (json!({"relativeResourceUri": "https://evil.example/v1/account/1", "accountCd": "1"}), "invalid_path"),
        (json!({"accountCd": long}), "key_too_long"),
    ] {
        let world = World::new().await;
        let (states, events, answers) = end(&world, "ACCOUNT_UPDATED", body.clone()).await;
        assert_eq!((states, events, answers), (vec![format!("parked: {reason}")], 0, 0), "{body}");
        let item = world.table.item("N#").await;
        let raw: Value = serde_json::from_str(item["raw"].as_s().unwrap()).unwrap();
        let (name, value) = body.as_object().unwrap().iter().next().unwrap();
        assert_eq!(raw[name], *value);
    }
}

#[tokio::test]
async fn fetches_an_entity_with_an_odd_key() {
    for (event, body, path) in [
        ("INVENTORY_ITEM_UPDATED", json!({"inventoryNumber": "1/2"}), "v1/inventory/b64(MS8y)"),
        ("INVENTORY_ITEM_UPDATED", json!({"relativeResourceUri": "api/v1/inventory/A+B"}), "v1/inventory/b64(QStC)"),
        ("CUSTOMER_UPDATED", json!({"relativeResourceUri": "api/v1/customer/ÅS 1"}), "v1/customer/%C3%85S%201"),
        ("PROJECT_CHANGED", json!({"relativeResourceUri": "v1/project/P1/tasks/10"}), "v1/project/P1"),
        ("SEGMENT_CHANGED", json!({"dimensionId": "SUB", "segmentId": 7}), "v1/dimension/SUB/7"),
    ] {
        let world = World::new().await;
        world.erp.put(path, "{}");
        let (states, events, answers) = end(&world, event, body).await;
        assert_eq!((states, events, answers), (vec!["processed".to_owned()], 1, 1), "{path}");
        assert_eq!(world.erp.fetched(), [crate::world::at(path)]);
    }
}

#[tokio::test]
async fn does_not_claim_that_visma_net_had_an_entity_it_never_saw() {
    let world = World::new().await;
    end(&world, "ACCOUNT_UPDATED", json!({"accountCd": "1920"})).await;
    let (_, description) = world.answer(1).await;
    assert_eq!(description, "The notification was received, but Visma Net did not find account 1920.");
}

#[tokio::test]
async fn parks_a_body_of_too_many_items_whole_and_says_nothing_about_it() {
    let world = World::new().await;
    world.settings.document()["max_items"] = json!(2);
    let item = json!({"event": "ACCOUNT_CHANGED", "contextId": "1234567", "accountCd": "1920"});
    let body = json!([item, item, item]);
    assert!(world.take(&body).await.is_empty());
    assert_eq!(world.states().await, ["parked: too_many_items"]);
    let sent = (world.events.sent().len(), world.feedback.sent().len(), world.erp.fetched().len());
    assert_eq!(sent, (0, 0, 0));
    let record = world.table.item("N#").await;
    assert_eq!(*record["raw"].as_s().unwrap(), body.to_string());
}

#[tokio::test]
async fn keeps_each_byte_of_a_large_body_of_too_many_items() {
    let world = World::new().await;
    let body = format!("[{}]", vec!["1"; 500_000].join(","));
    assert!(world.batch(&[world.raw_delivery(body.as_bytes()).to_message()], 1).await.is_empty());
    assert_eq!(world.states().await, ["parked: too_many_items"]);
    let items = world.table.items().await;
    let mut parts: Vec<_> = items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("RAW#")).collect();
    parts.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    let raw: String = parts.iter().map(|item| item["raw"].as_s().unwrap().as_str()).collect();
    assert!(raw == body, "{} of {} bytes", raw.len(), body.len());
}

#[tokio::test]
async fn ten_bodies_as_long_as_intake_takes_are_processed_in_one_batch() {
    const LONGEST: usize = 1008 * 1024;
    let world = World::new().await;
    let body = |number: u128| {
        let mut body = crate::world::account(number, "ACCOUNT_CREATED", &number.to_string());
        body["message"] = "".into();
        let short = body.to_string().len();
        body["message"] = "x".repeat(LONGEST - short).into();
        body.to_string()
    };
    let bodies: Vec<String> = (1..=10).map(body).collect();
    assert!(bodies.iter().all(|body| body.len() == LONGEST));
    let messages: Vec<String> = bodies.iter().map(|body| world.raw_delivery(body.as_bytes()).to_message()).collect();
    assert!(world.batch(&messages, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"; 10]);
    assert_eq!(world.events.sent().len(), 10);
}

#[tokio::test]
async fn logs_no_text_of_an_unreadable_body() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    for (body, reason) in [
        (json!({"data": {"canary": "canary"}}), "unidentified"),
        (json!({"relativeResourceUri": "https://canary.example/v1/account/1"}), "invalid_path"),
        (json!({"accountCd": "canary".repeat(50), "message": "canary"}), "key_too_long"),
    ] {
        let (states, ..) = end(&World::new().await, "ACCOUNT_UPDATED", body).await;
        assert_eq!(states, [format!("parked: {reason}")]);
    }
    let world = World::new().await;
    world.settings.document()["max_items"] = json!(1);
    world.take(&json!([{"canary": 1}, {"canary": 2}])).await;
    let is_ours = |line: &Value| {
        let target = line["target"].as_str().unwrap_or_default();
        target.starts_with("processor") || target.starts_with("webhooks")
    };
    let ours: String = captured.lines().into_iter().filter(is_ours).map(|line| line.to_string()).collect();
    for reason in ["unidentified", "invalid_path", "key_too_long", "too_many_items"] {
        assert!(ours.contains(&format!("parked: {reason}")), "{reason} in {ours}");
    }
    assert!(!ours.contains("canary"), "{ours}");
}
