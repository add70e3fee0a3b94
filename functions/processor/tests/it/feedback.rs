//! What Visma Net is told, and so the accountant: whether anything, and in which words.

use crate::world::{MAX_RECEIVE_COUNT, World, account, key_in, order};
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks_model::Origin;
use webhooks_model::delivery::AnswerRole;
use webhooks_visma::{Fault, Stage, VismaError};

fn deferred() -> Value {
    json!([{"events": "sales_order.*", "fetch": false, "feedback": "deferred", "deadline_hours": 2}, {"events": "*", "feedback": "none"}])
}

#[tokio::test]
async fn a_deferred_feedback_waits_for_the_integrators_outcome() {
    let world = World::with_routes(deferred()).await;
    world.take(&order(1, "SALESORDER_CREATED", "Open", 0)).await;
    assert!(world.feedback.sent().is_empty());
    assert_eq!(world.events.sent()[0].json()["data"]["feedback"], "deferred");
    let item = world.table.item("N#").await;
    assert_eq!(item["feedback"].as_s().unwrap(), "awaited");
    assert_eq!(item["feedback_deadline"].as_s().unwrap(), "2026-11-23T14:00:00.000Z");
}

#[tokio::test]
async fn answers_superseded_notifications_at_once() {
    let world = World::with_routes(deferred()).await;
    world.take(&order(1, "SALESORDER_UPDATED", "Open", 100)).await;
    world.take(&order(2, "SALESORDER_UPDATED", "Open", 0)).await;
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn a_route_can_leave_the_accountant_without_an_answer() {
    let world = World::with_routes(deferred()).await;
    let delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
    for receive_count in [1, 2] {
        assert!(world.batch(&[delivery.to_message()], receive_count).await.is_empty());
        assert_eq!(world.states().await, ["processed"]);
        assert!(world.feedback.sent().is_empty());
    }
    let ids = world.ids_to_answer_under(&delivery).await;
    assert_eq!(ids, [Uuid::from_u128(1)], "under which a person could still answer");
}

#[tokio::test]
async fn answers_unpublished_notifications_at_once() {
    let route = json!([{"events": "*", "fetch": false, "publish": false, "feedback": "deferred"}]);
    let world = World::with_routes(route).await;
    world.take(&order(1, "SALESORDER_CREATED", "Open", 0)).await;
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (0, 1));
}

#[tokio::test]
async fn the_settings_say_which_id_is_tried_first() {
    let [in_body, in_header] = [1, 2].map(Uuid::from_u128);
    for (first, expected) in [("body_first", [in_body, in_header]), ("header_first", [in_header, in_body])] {
        for feedback in ["automatic", "none"] {
            let world = World::with_routes(json!([{"events": "*", "feedback": feedback}])).await;
            world.settings.document()["visma"]["feedback_id"] = json!(first);
            let mut delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
            delivery.meta.headers.insert("x-vwd-notification-id".into(), in_header.to_string());
            world.batch(&[delivery.to_message()], 1).await;
            assert_eq!(world.ids_to_answer_under(&delivery).await, expected, "{first} {feedback}");
        }
    }
}

#[tokio::test]
async fn an_item_that_the_first_one_answers_for_also_keeps_its_ids_in_the_order_of_the_settings() {
    let [in_body, in_header] = [1, 2].map(Uuid::from_u128);
    let world = World::new().await;
    world.settings.document()["visma"]["feedback_id"] = json!("header_first");
    let mut delivery = world.delivery(&account(1, "ACCOUNT_CHANGED", "1"));
    delivery.meta.headers.insert("x-vwd-notification-id".into(), in_header.to_string());
    (delivery.meta.origin, delivery.meta.answer_role) = (Origin::Replay, AnswerRole::ByFirst);
    delivery.meta.replays = Some(key_in(&delivery));
    assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    assert_eq!(world.ids_to_answer_under(&delivery).await, [in_header, in_body]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_repeated_copy_completes_what_the_first_left_undone() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1");
    world.feedback.refuse(true);
    assert_eq!(world.take(&body).await, [0]);
    world.feedback.refuse(false);
    let copy = [world.message(&body)];
    assert!(world.batch(&copy, 1).await.is_empty());
    assert!(world.feedback.sent().is_empty(), "the first one's message comes again for it");
    assert!(world.batch(&copy, 2).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn the_accountant_reads_the_handlers_text() {
    let world = World::new().await;
    let mut body = order(1, "SALES_ORDER_ACTION_TRIGGERED", "Open", 0);
    body["parameter"] = json!("refuse");
    world.take(&body).await;
    assert_eq!(world.answer(1).await, (false, "The order has no delivery address.".into()));
    assert_eq!(world.table.item("N#").await["source"].as_s().unwrap(), "User");
}

#[tokio::test]
async fn without_an_id_that_visma_net_would_know_there_is_no_feedback() {
    let world = World::new().await;
    let mut body = account(1, "ACCOUNT_CHANGED", "1");
    body["notificationId"] = json!("not a uuid");
    world.take(&body).await;
    assert_eq!(world.states().await, ["processed"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_feedback_that_could_not_be_queued_at_the_last_attempt_is_queued_when_a_person_puts_the_message_back() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
    world.feedback.refuse(true);
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert_eq!(world.states().await, ["processed"]);
    world.feedback.refuse(false);
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn the_feedback_of_a_dead_notification_that_could_not_be_queued_is_queued_after_a_redrive_however_that_ends() {
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    let refused = VismaError::TenantNotApproved { stage: Stage::Resource };
    for (second, end) in [(None, "processed"), (Some(refused), "parked: tenant_not_approved")] {
        let world = World::new().await;
        let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1"))];
        world.feedback.refuse(true);
        world.fail_to_the_end(&message, down.clone()).await;
        world.erp.fail_fetches(second);
        assert_eq!(world.states().await, ["dead: unavailable"]);
        world.feedback.refuse(false);
        assert!(world.batch(&message, 1).await.is_empty());
        assert_eq!((world.states().await, world.feedback.sent().len()), (vec![end.to_owned()], 1));
    }
}

async fn without_fetching() -> World {
    World::with_routes(json!([{"events": "*", "fetch": false}])).await
}

fn notification(id: u128, event: &str, status: Option<&str>) -> Value {
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
        assert!(world.take(&notification(id, event, status)).await.is_empty(), "{event}");
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
    world.take(&notification(1, "VOUCHER_PROCESSED", None)).await;
    world.take(&notification(2, "PURCHASE_ORDER_STATUS_CHANGED", Some("Open"))).await;
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
