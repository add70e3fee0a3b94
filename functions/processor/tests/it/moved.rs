//! Notifications that newer settings read under another key. Their earlier record is closed.

use crate::repairs::{act, key_of};
use crate::world::{World, account, down};
use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::TENANT;
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Delivery, LedgerKey, Notification, Reason};
use webhooks_store::{Answering, Change, Deed, Entry};
use webhooks_visma::{Fault, Stage, VismaError};

pub(crate) const DIALECT: &str = r#"{"hendelse":"KontoEndret","konto":{"nr":"1920"},"contextId":"1234567"}"#;

/// A parked notification whose body has unknown field names.
async fn unknown_dialect(world: &World) -> LedgerKey {
    let body: Value = serde_json::from_str(DIALECT).unwrap();
    world.take(&body).await;
    assert_eq!(world.states().await, ["parked: unmapped"]);
    key_of(world, &body)
}

/// The settings that `learn` would write.
pub(crate) fn learn(world: &World) {
    let mut document = fixtures::document();
    document["event_aliases"] = json!({ "KontoEndret": "ACCOUNT_CHANGED" });
    document["fields"] =
        json!([{ "events": "*", "event": ["/hendelse"] }, { "events": "account.*", "key": ["/konto/nr"] }]);
    world.settings.put(document);
    world.host.advance(time::Duration::seconds(3));
}

/// The key of the record for which this one was closed.
pub(crate) async fn next_key(world: &World, closed: &LedgerKey) -> LedgerKey {
    world.table.table.record_of(closed).await.unwrap().unwrap().moved_to.unwrap()
}

async fn replay_of(world: &World, key: &LedgerKey) -> String {
    world.table.table.replay(key).await.unwrap().unwrap().to_message()
}

#[tokio::test]
async fn a_replay_under_new_settings_gets_its_key_and_closes_its_old_record() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    let message = replay_of(&world, &old).await;
    assert_eq!(world.batch(std::slice::from_ref(&message), 1).await, [0_usize; 0], "the cached settings are 3 s old");
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert_eq!((world.events.sent().len(), world.events.sent()[0].json()["subject"].clone()), (1, "1920".into()));
    assert_eq!(world.table.needing_attention("parked").await, 0);
    let closed = world.table.table.record_of(&old).await.unwrap().unwrap();
    let new = closed.moved_to.expect("it says where it goes on");
    assert_eq!((new.entity.key.as_str(), closed.reason), ("1920", None));
    let record = world.table.table.record_of(&new).await.unwrap().unwrap();
    assert_eq!((record.moved_from, record.moved_to), (Some(old.clone()), None));

    assert!(!act(&world, &old, Deed::Replay).await, "what is closed is not replayed any more");
    world.batch(&[message], 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert_eq!(world.events.sent().len(), 1, "also a replay that was under way publishes nothing twice");
}

#[tokio::test]
async fn a_message_that_comes_again_continues_the_record_of_earlier_settings() {
    // With the three seconds of `learn`, at least a minute.
    for seconds in [57, 60] {
        let world = World::new().await;
        let message = world.message(&serde_json::from_str(DIALECT).unwrap());
        world.batch(std::slice::from_ref(&message), 1).await;
        assert_eq!(world.states().await, ["parked: unmapped"]);
        learn(&world);
        world.host.advance(time::Duration::seconds(seconds));
        assert_eq!(world.batch(&[message], 1).await, [0_usize; 0], "a redrive counts its receipts from zero");
        assert_eq!(world.states().await, ["processed", "superseded"]);
        assert_eq!(world.table.needing_attention("parked").await, 0);
    }
}

/// A dead notification whose accountant was told that it failed, and its key.
async fn dead_and_answered(world: &World) -> (Delivery, LedgerKey) {
    let mut body: Value = serde_json::from_str(DIALECT).unwrap();
    body["notificationId"] = Uuid::from_u128(7).to_string().into();
    let delivery = world.delivery(&body);
    let now = world.host.now();
    let attempt = Attempt { at: now, receive_count: 4, reason: Reason::Unavailable, detail: String::new() };
    let verdict = Some(Verdict::failure("It could not be processed."));
    let answer = Some(Answering { feedback: FeedbackState::Queued, verdict, ..Answering::none() });
    let notification = &Notification::all_of(&delivery, &NoDirectory)[0];
    let dead = Entry { notification, change: Change::Dead { attempt, answer }, now };
    assert!(world.table.table.record(&dead).await.unwrap());
    learn(world);
    let key = notification.ledger_key();
    (delivery, key)
}

#[tokio::test]
async fn a_dead_notification_that_was_answered_is_not_answered_again_under_another_key() {
    let world = World::new().await;
    let (delivery, _) = dead_and_answered(&world).await;
    world.batch(&[delivery.to_message()], 2).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert!(world.feedback.sent().is_empty(), "the accountant has read that it failed");
}

#[tokio::test]
async fn a_dead_notification_that_was_answered_is_not_answered_again_when_it_dies_under_another_key() {
    let world = World::new().await;
    let (_, old) = dead_and_answered(&world).await;
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    world.fail_to_the_end(&[replay_of(&world, &old).await], down.clone()).await;
    assert_eq!(world.states().await, ["dead: unavailable", "superseded"]);
    let new = next_key(&world, &old).await;
    world.fail_to_the_end(&[replay_of(&world, &new).await], down).await;
    world.batch(&[replay_of(&world, &new).await], 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_dead_notification_that_was_answered_is_not_answered_again_after_it_was_parked_under_another_key() {
    let world = World::new().await;
    let (_, old) = dead_and_answered(&world).await;
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    world.batch(&[replay_of(&world, &old).await], 1).await;
    assert_eq!(world.states().await, ["parked: tenant_not_approved", "superseded"]);
    let new = next_key(&world, &old).await;
    world.batch(&[replay_of(&world, &new).await], 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert!(world.feedback.sent().is_empty());
}

#[tokio::test]
async fn a_message_that_meets_a_closed_record_queues_the_decided_feedback_of_the_open_one() {
    let world = World::new().await;
    let mut body: Value = serde_json::from_str(DIALECT).unwrap();
    body["notificationId"] = "3fa85f64-5717-4562-b3fc-2c963f66afa6".into();
    let message = [world.message(&body)];
    world.batch(&message, 1).await;
    learn(&world);
    world.host.advance(time::Duration::minutes(10));
    world.feedback.refuse(true);
    assert_eq!(world.batch(&message, 2).await, [0]);
    assert_eq!(world.states().await, ["processed", "superseded"]);
    world.feedback.refuse(false);
    world.settings.put(fixtures::document());
    world.host.advance(time::Duration::minutes(10));
    assert_eq!(world.batch(&message, 3).await, [0_usize; 0]);
    assert_eq!(world.feedback.sent().len(), 1);
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn a_message_waits_while_its_earlier_record_is_held() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    assert!(act(&world, &old, Deed::Hold).await);
    learn(&world);
    let message = world.message(&serde_json::from_str(DIALECT).unwrap());
    assert_eq!(world.batch(&[message], 2).await, [0_usize; 0]);
    assert_eq!(world.states().await, ["parked: held"]);
    assert!(world.events.sent().is_empty());
}

#[tokio::test]
async fn a_replay_waits_while_its_former_record_is_held() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    let message = [replay_of(&world, &old).await];
    assert!(act(&world, &old, Deed::Hold).await);
    assert_eq!(world.batch(&message, 1).await, [0_usize; 0]);
    assert_eq!(world.states().await, ["parked: held"]);
    assert!(act(&world, &old, Deed::Replay).await);
    world.batch(&message, 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn a_replay_of_the_new_record_waits_while_the_former_one_is_held() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    world.erp.fail_fetches([down()]);
    assert_eq!(world.batch(&[replay_of(&world, &old).await], 1).await, [0]);
    assert!(act(&world, &old, Deed::Hold).await);
    let new = world.table.table.marked("retrying", None, 1).await.unwrap().records.remove(0).key;
    assert_eq!(world.batch(&[replay_of(&world, &new).await], 1).await, [0_usize; 0]);
    assert_eq!(world.states().await, ["parked: held", "retrying: unavailable"]);
    assert!(world.events.sent().is_empty());
    assert!(act(&world, &old, Deed::Replay).await);
    world.batch(&[replay_of(&world, &old).await], 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn a_former_record_stays_open_until_the_notification_has_ended() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    let message = replay_of(&world, &old).await;
    let after = Some(std::time::Duration::from_secs(5));
    world.erp.fail_fetches([VismaError::RateLimited { stage: Stage::Resource, after }]);
    assert_eq!(world.batch(std::slice::from_ref(&message), 1).await, [0]);
    assert_eq!(world.states().await, ["parked: unmapped", "retrying: rate_limited"]);
    world.batch(&[message], 2).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn reads_newer_settings_before_it_parks_a_notification() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "7")).await;
    learn(&world);
    world.host.advance(time::Duration::seconds(30));
    let body: Value = serde_json::from_str(DIALECT).unwrap();
    world.take(&body).await;
    assert_eq!(world.states().await, ["processed", "processed"], "the cached settings are 33 s old");
}

#[tokio::test]
async fn an_old_record_is_closed_by_the_next_attempt_after_a_crash_before_that() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    let message = replay_of(&world, &old).await;
    world.batch(std::slice::from_ref(&message), 1).await;
    let open = world.table.client.update_item().table_name(&world.table.name);
    let (pk, sk) = (format!("{TENANT}#unmapped#{}", old.entity.key), format!("N#{}", old.notification));
    let open = open.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
    let open = open.update_expression("SET #s = :parked REMOVE moved_to").expression_attribute_names("#s", "state");
    open.expression_attribute_values(":parked", AttributeValue::S("parked".into())).send().await.unwrap();
    assert_eq!(world.states().await, ["parked", "processed"]);
    world.batch(&[message], 2).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert_eq!(world.events.sent().len(), 1);
}

#[tokio::test]
async fn parking_again_for_another_reason_keeps_one_record() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    world.batch(&[replay_of(&world, &old).await], 1).await;
    assert_eq!(world.states().await, ["parked: tenant_not_approved", "superseded"]);
    let new = next_key(&world, &old).await;
    world.batch(&[replay_of(&world, &new).await], 1).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn an_old_record_stays_in_sight_while_attempts_at_the_new_one_fail() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    learn(&world);
    world.erp.fail_fetches([VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Connection, after: None }]);
    let message = replay_of(&world, &old).await;
    assert_eq!(world.batch(std::slice::from_ref(&message), 1).await, [0]);
    assert_eq!(world.states().await, ["parked: unmapped", "retrying: unavailable"]);
    world.batch(&[message], 2).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
}

#[tokio::test]
async fn a_notification_that_returns_to_a_closed_record_stays_visible() {
    let world = World::new().await;
    let first = unknown_dialect(&world).await;
    learn(&world);
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    world.fail_to_the_end(&[replay_of(&world, &first).await], down).await;
    let second = next_key(&world, &first).await;
    world.settings.put(fixtures::document());
    world.host.advance(time::Duration::seconds(3));
    world.batch(&[replay_of(&world, &second).await], 1).await;
    let parked = ["parked: unidentified", "superseded", "superseded"];
    assert_eq!(world.states().await, parked);
    let third = next_key(&world, &second).await;
    learn(&world);
    world.batch(&[replay_of(&world, &third).await], 1).await;
    assert_eq!(world.states().await, parked, "closing the third record as well would leave none");
}

#[tokio::test]
async fn a_replay_that_no_settings_can_read_stays_where_it_is() {
    let world = World::new().await;
    let old = unknown_dialect(&world).await;
    world.batch(&[replay_of(&world, &old).await], 1).await;
    assert_eq!(world.states().await, ["parked: unmapped"]);
    assert!(world.table.table.record_of(&old).await.unwrap().unwrap().moved_to.is_none());
}
