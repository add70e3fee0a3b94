//! Messages in unusual forms that were seen elsewhere. Each form has stopped a queue or lost a
//! text.

use crate::world::{World, account};
use fixtures::TENANT;

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
    world.take(&serde_json::json!({
        "notificationId": uuid::Uuid::from_u128(1), "contextId": "1234567", "event": "CUSTOMER_CHANGED", "customerCd": "Pål ₹ 🚒",
    }))
    .await;
    let (_, description) = world.answer(1).await;
    assert!(description.contains("Pål ₹ 🚒"), "{description}");
}
