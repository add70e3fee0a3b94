//! The standard sentences, without business code.

use crate::world::{World, account};
use serde_json::{Value, json};
use uuid::Uuid;

async fn without_fetching() -> World {
    World::with_routes(json!([{"events": "*", "fetch": false}])).await
}

fn item(id: u128, event: &str, status: Option<&str>) -> Value {
    json!({
        "notificationId": Uuid::from_u128(id), "contextId": "1234567", "event": event, "number": "7", "status": status,
    })
}

fn speak(world: &World, language: &str, own: Option<&str>) {
    let mut settings = world.settings.document();
    settings["visma"]["language"] = json!(language);
    settings["tenants"][0]["language"] = json!(own);
}

#[tokio::test]
async fn each_kind_of_notification_is_answered_in_words_of_its_own() {
    let world = without_fetching().await;
    let subjects = [
        ("ACCOUNT_CREATED", None, "creation of account 7"),
        ("CUSTOMER_CHANGED", None, "change to customer 7"),
        ("SHIPMENT_DELETED", None, "deletion of shipment 7"),
        ("ACCOUNT_IDENTITY_CHANGED", None, "new number of account 7"),
        ("SUPPLIER_ACTION_TRIGGERED", None, "action on supplier 7"),
        ("FIRST_TIME_STARTUP_COMPLETED", None, "completed start-up of the company in Visma Net"),
        ("BACKGROUND_API_RESPONSE", None, "result of background operation 7"),
        ("PURCHASE_ORDER_STATUS_CHANGED", Some("Open"), "status “Open” of purchase order 7"),
        ("AR_INVOICE_STATUS_CHANGED", None, "change to customer invoice 7"),
        ("VOUCHER_PROCESSED", None, "status “Processed” of voucher 7"),
    ];
    for (id, (event, status, subject)) in (1..).zip(subjects) {
        assert!(world.take(&item(id, event, status)).await.is_empty(), "{event}");
        let expected = format!("The {subject} was received and processed.");
        assert_eq!(world.answer(id).await, (true, expected), "{event}");
    }
}

#[tokio::test]
async fn the_settings_choose_the_language_and_a_tenants_own_outweighs_it() {
    for (own, expected) in [
        (None, "Endringen av konto 7 er mottatt og behandlet."),
        (Some("fi"), "Muutos vastaanotettiin ja käsiteltiin: tili 7."),
    ] {
        let world = without_fetching().await;
        speak(&world, "nb", own);
        assert!(world.take(&account(1, "ACCOUNT_CHANGED", "7")).await.is_empty());
        assert_eq!(world.answer(1).await, (true, expected.to_owned()));
    }
}

#[tokio::test]
async fn translates_statuses_of_event_names_and_keeps_others() {
    let world = without_fetching().await;
    speak(&world, "nb", None);
    world.take(&item(1, "VOUCHER_PROCESSED", None)).await;
    world.take(&item(2, "PURCHASE_ORDER_STATUS_CHANGED", Some("Open"))).await;
    assert_eq!(world.answer(1).await.1, "Statusen «Behandlet» for bilag 7 er mottatt og behandlet.");
    assert_eq!(world.answer(2).await.1, "Statusen «Open» for innkjøpsordre 7 er mottatt og behandlet.");
}

#[tokio::test]
async fn a_decided_feedback_keeps_its_language() {
    let world = without_fetching().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "7"))];
    world.feedback.refuse(true);
    assert_eq!(world.batch(&message, 1).await, [0]);
    world.feedback.refuse(false);
    speak(&world, "nb", None);
    world.host.advance(time::Duration::minutes(6));
    world.take(&account(2, "ACCOUNT_CHANGED", "8")).await;
    assert_eq!(world.answer(2).await.1, "Endringen av konto 8 er mottatt og behandlet.");
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 2);
    assert_eq!(world.answer(1).await.1, "The change to account 7 was received and processed.");
}
