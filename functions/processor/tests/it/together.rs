//! One answer for several items of a delivery with the same id.

use crate::moved::{DIALECT, learn, next_key};
use crate::repairs::act;
use crate::world::{MAX_RECEIVE_COUNT, World};
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use fixtures::on_request;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackMessage, FeedbackState};
use webhooks_model::{Delivery, LedgerKey, Notification, Pause};
use webhooks_settings::Settings;
use webhooks_store::{Action, Deed};
use webhooks_visma::{Fault, Stage, VismaError};

fn item(event: &str, key: &str, parameter: &str) -> Value {
    json!({"contextId": "1234567", "event": event, "customerCd": key, "parameter": parameter})
}

fn under_one_id(world: &World, items: &Value) -> Delivery {
    let mut delivery = world.delivery(items);
    delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(7).to_string());
    delivery
}

/// An account in names that only `learn` explains.
fn unknown() -> Value {
    serde_json::from_str(DIALECT).unwrap()
}

async fn deliver(world: &World, items: &Value, receives: impl IntoIterator<Item = u32>) {
    for customer in ["1", "2", "3"] {
        world.erp.put(&format!("v1/customer/{customer}"), "{}");
    }
    let message = [under_one_id(world, items).to_message()];
    for receive_count in receives {
        world.batch(&message, receive_count).await;
    }
}

/// One of these items under the first settings.
fn key_of(world: &World, items: &Value, at: usize) -> LedgerKey {
    let settings = Settings::parse(&fixtures::document().to_string()).unwrap();
    Notification::all_of(&under_one_id(world, items), &settings)[at].ledger_key()
}

/// Replays one of these items.
async fn replay(world: &World, items: &Value, at: usize) {
    let replay = world.table.table.replay(&key_of(world, items, at)).await.unwrap().unwrap();
    assert!(world.batch(&[replay.to_message()], 1).await.is_empty());
}

/// What each message to the feedback function says: success and text, as recorded.
async fn answers(world: &World) -> Vec<(bool, String)> {
    let mut all = Vec::new();
    for message in world.feedback.sent() {
        let message = FeedbackMessage::parse(&message.body).unwrap();
        let record = world.table.table.record_of(message.notification()).await.unwrap().unwrap();
        assert_eq!(record.feedback, Some(FeedbackState::Queued));
        all.push((record.feedback_success.unwrap(), record.feedback_description.unwrap()));
    }
    all
}

const BOTH: &str = "All changes in this notification (2) were received and processed.";
const ONE_OF_TWO: &str = "Processed changes in this notification: 1 of 2. The integrator has been told of the rest.";

fn said(is_success: bool, description: &str) -> Vec<(bool, String)> {
    vec![(is_success, description.to_owned())]
}

#[tokio::test]
async fn items_under_one_id_are_answered_once_when_all_have_ended() {
    let world = World::new().await;
    let changed = |key| item("CUSTOMER_CHANGED", key, "");
    deliver(&world, &json!([changed("1"), changed("2"), changed("2")]), [1, 2]).await;
    assert_eq!(world.states().await, ["processed"; 3]);
    let all = (true, "All changes in this notification (3) were received and processed.".to_owned());
    let told = answers(&world).await;
    assert!(!told.is_empty() && told.iter().all(|one| *one == all), "{told:?}");
    let records = world.table.items().await;
    let queued = records.iter().filter(|item| item.get("feedback").is_some_and(|f| f.as_s().unwrap() == "queued"));
    assert_eq!(queued.count(), 1, "they are about one record, so a repeated message is a duplicate");
}

#[tokio::test]
async fn one_answer_says_how_many_went_wrong() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "refuse"), action("3", "person")]);
    deliver(&world, &items, [1]).await;
    let some = "Processed changes in this notification: 1 of 3. The integrator has been told of the rest.";
    assert_eq!(answers(&world).await, said(false, some));
}

#[tokio::test]
async fn the_answer_waits_for_the_last_attempt_of_the_last_item() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "panic")]);
    deliver(&world, &items, 1..MAX_RECEIVE_COUNT).await;
    assert_eq!(answers(&world).await, []);
    let records = world.table.items().await;
    let deadlines: Vec<_> = records.iter().filter_map(|item| item.get("feedback_deadline")?.as_s().ok()).collect();
    assert_eq!(deadlines, ["2026-11-24T12:00:00.000Z"], "so long it is awaited if no attempt could answer");
    deliver(&world, &items, [MAX_RECEIVE_COUNT]).await;
    assert_eq!(answers(&world).await, said(false, ONE_OF_TWO));
    assert_eq!(world.states().await, ["dead: bug", "processed"]);
}

pub(crate) async fn pause(world: &World, events: &str) {
    let (events, since, by) = (events.to_owned(), world.host.now(), "op".to_owned());
    let pause = Pause { tenant: None, events, since, by, note: String::new(), until: None };
    world.table.table.pause(&pause).await.unwrap();
}

async fn resume(world: &World, events: &str) {
    world.table.table.resume(None, events, world.host.now()).await.unwrap();
    world.host.advance(processor::NOTICED_WITHIN);
}

#[tokio::test]
async fn the_first_of_several_items_is_answered_by_itself_when_it_dies() {
    let world = World::new().await;
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", "panic"), item("CUSTOMER_CHANGED", "2", "")]);
    pause(&world, "customer.changed").await;
    deliver(&world, &items, 1..=MAX_RECEIVE_COUNT).await;
    assert_eq!(world.states().await, ["dead: bug", "paused"]);
    let died = "The notification about customer 1 could not be processed. The integrator has been told.";
    assert_eq!(answers(&world).await, said(false, died));
}

#[tokio::test]
async fn the_answer_waits_for_an_item_that_is_paused() {
    let world = World::new().await;
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", ""), item("CUSTOMER_CHANGED", "2", "")]);
    pause(&world, "customer.changed").await;
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["paused", "processed"]);
    assert_eq!(answers(&world).await, []);
    resume(&world, "customer.changed").await;
    replay(&world, &items, 1).await;
    assert_eq!(answers(&world).await, said(true, BOTH));
}

#[tokio::test]
async fn an_item_that_failed_after_a_wait_counts_as_one() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "refuse")]);
    world.events.refuse(true);
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["retrying: unavailable"; 2]);
    world.events.refuse(false);
    deliver(&world, &items, [2]).await;
    assert_eq!(answers(&world).await, said(false, ONE_OF_TWO));
}

#[tokio::test]
async fn an_item_that_died_and_was_replayed_counts_as_processed() {
    let world = World::with_routes(json!([{"events": "customer.action", "fetch": false}])).await;
    let account = json!({"contextId": "1234567", "event": "ACCOUNT_CHANGED", "accountCd": "1920"});
    let action = item("CUSTOMER_ACTION_TRIGGERED", "1", "");
    let items = json!([action, item("CUSTOMER_CHANGED", "2", ""), account]);
    pause(&world, "account.*").await;
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    world.erp.fail_fetches(vec![down; MAX_RECEIVE_COUNT as usize]);
    deliver(&world, &items, 1..=MAX_RECEIVE_COUNT).await;
    assert_eq!(world.states().await, ["dead: unavailable", "paused", "processed"]);
    replay(&world, &items, 1).await;
    assert_eq!(answers(&world).await, []);
    resume(&world, "account.*").await;
    replay(&world, &items, 2).await;
    let all = "All changes in this notification (3) were received and processed.";
    assert_eq!(answers(&world).await, said(true, all));
}

#[tokio::test]
async fn an_item_without_an_answer_of_its_own_gets_none_when_it_dies_again() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "panic")]);
    deliver(&world, &items, 1..=MAX_RECEIVE_COUNT).await;
    deliver(&world, &items, 1..=MAX_RECEIVE_COUNT).await;
    let told = answers(&world).await;
    assert!(!told.is_empty() && told.iter().all(|one| *one == (false, ONE_OF_TWO.to_owned())), "{told:?}");
}

#[tokio::test]
async fn the_answer_waits_if_the_first_item_is_paused_too() {
    let world = World::new().await;
    let items = json!([item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_CHANGED", "2", "")]);
    pause(&world, "customer.changed").await;
    deliver(&world, &items, [1]).await;
    resume(&world, "customer.changed").await;
    replay(&world, &items, 0).await;
    assert_eq!(world.states().await, ["paused", "processed"]);
    assert_eq!(answers(&world).await, []);
    replay(&world, &items, 1).await;
    assert_eq!(answers(&world).await, said(true, BOTH));
}

#[tokio::test]
async fn the_answer_waits_if_the_first_item_goes_on_under_another_key() {
    let world = World::new().await;
    let items = json!([unknown(), item("CUSTOMER_CHANGED", "2", "")]);
    for events in ["unmapped.*", "customer.changed"] {
        pause(&world, events).await;
    }
    deliver(&world, &items, [1]).await;
    resume(&world, "unmapped.*").await;
    learn(&world);
    replay(&world, &items, 0).await;
    assert_eq!(answers(&world).await, []);
    resume(&world, "customer.changed").await;
    replay(&world, &items, 1).await;
    assert_eq!(answers(&world).await, said(true, BOTH));
}

#[tokio::test]
async fn the_first_item_that_can_be_read_has_the_answer() {
    let world = World::new().await;
    let items = json!([5, item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_CHANGED", "2", "")]);
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["processed", "processed", "unparseable"]);
    let some = "Processed changes in this notification: 2 of 3. The integrator has been told of the rest.";
    assert_eq!(answers(&world).await, said(false, some));
}

#[tokio::test]
async fn an_item_whose_own_id_visma_net_cannot_know_shares_the_answer() {
    let world = World::new().await;
    let mut items = json!([item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_ACTION_TRIGGERED", "2", "refuse")]);
    items[1]["notificationId"] = "4711".into();
    deliver(&world, &items, [1]).await;
    assert_eq!(answers(&world).await, said(false, ONE_OF_TWO));
}

#[tokio::test]
async fn the_answer_waits_for_an_item_that_is_paused_again_under_another_key() {
    let world = World::new().await;
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", ""), unknown()]);
    pause(&world, "unmapped.*").await;
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["paused", "processed"]);
    resume(&world, "unmapped.*").await;
    pause(&world, "account.*").await;
    learn(&world);
    replay(&world, &items, 1).await;
    assert_eq!(world.states().await, ["paused", "processed", "superseded"]);
    let new = next_key(&world, &key_of(&world, &items, 1)).await;
    resume(&world, "account.*").await;
    let again = world.table.table.replay(&new).await.unwrap().unwrap();
    assert!(world.batch(&[again.to_message()], 1).await.is_empty());
    assert_eq!(answers(&world).await, said(true, BOTH));
}

#[tokio::test]
async fn an_item_that_an_operator_holds_counts_as_not_processed() {
    let world = World::new().await;
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", ""), unknown()]);
    world.events.refuse(true);
    deliver(&world, &items, [1]).await;
    assert!(act(&world, &key_of(&world, &items, 1), Deed::Hold).await);
    learn(&world);
    world.events.refuse(false);
    world.host.advance(time::Duration::minutes(1));
    deliver(&world, &items, [2]).await;
    assert_eq!(world.states().await, ["parked: held", "processed"]);
    assert_eq!(answers(&world).await, said(false, ONE_OF_TWO));
}

/// The same world. An operator holds one of these items just before a record names all of them.
fn held_meanwhile(world: World, items: &Value, which: usize) -> World {
    let (operator, key, at) = (world.table.table.clone(), key_of(&world, items, which), world.host.now());
    let ledger = world.table.through(on_request(move |context| {
        let update = context.input().downcast_ref::<UpdateItemInput>();
        let names = update.and_then(|update| update.expression_attribute_names());
        if names.is_some_and(|names| names.values().any(|name| name == "answered_with")) {
            let hold = operator.act(&key, Action { deed: Deed::Hold, at, by: "op", note: "because" });
            tokio::task::block_in_place(|| Handle::current().block_on(hold))?;
        }
        Ok(())
    }));
    world.with_ledger(ledger)
}

/// Runs on more than one thread, because the operator is served while a request waits.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_a_first_item_that_an_operator_holds_meanwhile() {
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", "later"), item("CUSTOMER_ACTION_TRIGGERED", "2", "")]);
    let world = held_meanwhile(World::new().await, &items, 0);
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["parked: held", "processed"]);
    assert!(world.feedback.sent().is_empty());
}

/// Runs on more than one thread, too.
#[tokio::test(flavor = "multi_thread")]
async fn another_item_that_an_operator_holds_meanwhile_counts_as_not_processed() {
    let items = json!([item("CUSTOMER_ACTION_TRIGGERED", "1", ""), item("CUSTOMER_ACTION_TRIGGERED", "2", "later")]);
    let world = held_meanwhile(World::new().await, &items, 1);
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["parked: held", "processed"]);
    assert_eq!(answers(&world).await, said(false, ONE_OF_TWO));
}

#[tokio::test]
async fn an_integrator_that_was_asked_answers_for_all_items() {
    let deferred =
        json!([{"events": "customer.changed", "feedback": "deferred"}, {"events": "*", "feedback": "automatic"}]);
    let world = World::with_routes(deferred).await;
    let items = json!([item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_ACTION_TRIGGERED", "2", "panic")]);
    deliver(&world, &items, [1]).await;
    world.settings.put(fixtures::document());
    world.host.advance(time::Duration::minutes(6));
    deliver(&world, &items, 2..=MAX_RECEIVE_COUNT).await;
    assert_eq!(world.states().await, ["dead: bug", "processed"]);
    assert_eq!(answers(&world).await, [], "the event says that the integrator's outcome is awaited");
}

#[tokio::test]
async fn a_first_item_that_was_parked_is_answered_by_itself() {
    let world = World::new().await;
    let items = json!([unknown(), item("CUSTOMER_ACTION_TRIGGERED", "2", "")]);
    deliver(&world, &items, [1]).await;
    assert_eq!(world.states().await, ["parked: unmapped", "processed"]);
    learn(&world);
    replay(&world, &items, 0).await;
    assert_eq!(
        answers(&world).await,
        said(true, "The notification was received, but Visma Net did not find account 1920.")
    );
}

#[tokio::test]
async fn a_replay_of_one_item_does_not_answer_for_items_that_have_not_ended() {
    let world = World::new().await;
    let action = |key, parameter| item("CUSTOMER_ACTION_TRIGGERED", key, parameter);
    let items = json!([action("1", ""), action("2", "later")]);
    deliver(&world, &items, [1]).await;
    replay(&world, &items, 0).await;
    assert_eq!(world.states().await, ["processed", "retrying: unavailable"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn items_with_ids_of_their_own_are_answered_one_by_one() {
    let world = World::new().await;
    let mut items = json!([item("CUSTOMER_CHANGED", "1", ""), item("CUSTOMER_CHANGED", "2", "")]);
    for (at, id) in [(0, 1), (1, 2)] {
        items[at]["notificationId"] = Uuid::from_u128(id).to_string().into();
    }
    deliver(&world, &items, [1]).await;
    assert_eq!(world.feedback.sent().len(), 2);
    assert!(world.feedback.sent().iter().all(|message| message.json()["type"] == "feedback"));
}
