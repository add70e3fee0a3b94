//! The effects of operators' actions on the processor, through the ledger and replays.

use crate::world::{World, account, key_in, order};
use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::TENANT;
use serde_json::{Value, json};
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{LedgerKey, Notification, Pause, Reason};
use webhooks_store::{Action, Answering, Change, Deed, Entry, Erasure};
use webhooks_visma::{Fault, Stage, VismaError};

fn key_of(world: &World, body: &Value) -> LedgerKey {
    key_in(&world.delivery(body))
}

fn pause(world: &World, tenant: Option<&str>, events: &str) -> Pause {
    let (tenant, since) = (tenant.map(str::to_owned), world.host.now());
    Pause { tenant, events: events.into(), since, by: "op".into(), note: "year end".into(), until: None }
}

async fn act(world: &World, key: &LedgerKey, deed: Deed) -> bool {
    let action = Action { deed, at: world.host.now(), by: "op", note: "because" };
    world.table.table.act(key, action).await.unwrap()
}

#[tokio::test]
async fn a_replay_of_a_processed_notification_repeats_its_effects_and_changes_neither_its_end_nor_its_answer() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.take(&body).await;
    assert_eq!(world.batch(&[world.replay(&body)], 1).await, [0_usize; 0]);
    assert_eq!(world.states().await, ["processed"]);
    let events = world.events.sent();
    assert_eq!((events.len(), events[0].json()["id"] == events[1].json()["id"]), (2, true));
    assert_eq!(world.feedback.sent().len(), 1);
    let item = world.table.item("N#").await;
    assert_eq!(item["moments"].as_l().unwrap().len(), 1);
    assert_eq!(item["origin"].as_s().unwrap(), "webhook");
    assert_eq!(world.emitted.values("Replayed"), [1]);
}

#[tokio::test]
async fn a_replay_brings_a_parked_notification_to_its_end() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    world.take(&body).await;
    assert_eq!(world.states().await, ["parked: tenant_not_approved"]);
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!(world.feedback.sent().len(), 1);
}

#[tokio::test]
async fn a_paused_notification_waits_in_the_ledger_and_continues_after_the_pause() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.table.table.pause(&pause(&world, Some(fixtures::TENANT), "account.*")).await.unwrap();
    assert_eq!(world.batch(&[world.message(&body)], crate::world::MAX_RECEIVE_COUNT).await, [0_usize; 0]);
    assert_eq!(world.states().await, ["paused"]);
    assert_eq!(world.table.needing_attention("paused").await, 1);
    assert_eq!(world.emitted.count("Paused"), 1);
    assert!(world.events.sent().is_empty() && world.feedback.sent().is_empty());
    world.take(&order(2, "SALESORDER_UPDATED", "Open", 0)).await;
    assert_eq!(world.states().await, ["paused", "processed"], "what the pause does not cover goes on");

    assert!(world.table.table.resume(Some(fixtures::TENANT), "account.*", world.host.now()).await.unwrap());
    world.host.advance(processor::NOTICED_WITHIN);
    assert!(!world.table.table.resume(Some(fixtures::TENANT), "account.*", world.host.now()).await.unwrap());
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    assert_eq!(world.table.needing_attention("paused").await, 0);
    assert_eq!(world.feedback.sent().len(), 2);
}

#[tokio::test]
async fn a_pause_of_every_tenant_covers_each() {
    let world = World::new().await;
    world.table.table.pause(&pause(&world, None, "*")).await.unwrap();
    world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    assert_eq!(world.states().await, ["paused"]);
}

#[tokio::test]
async fn what_was_received_before_an_erasure_leaves_no_trace_and_what_comes_after_is_new() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    let letter = world.message(&body);
    world.host.advance(time::Duration::SECOND);
    let now = world.host.now();
    let erasure = |tenant: &str| Erasure { tenant: tenant.into(), of_before: now };
    for tenant in ["another", TENANT] {
        world.table.table.set_erasure(&erasure(tenant), now).await.unwrap();
    }
    assert!(world.batch(&[letter], 1).await.is_empty(), "its message goes");
    assert!(world.states().await.is_empty() && world.events.sent().is_empty() && world.feedback.sent().is_empty());
    world.take(&body).await;
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn pauses_are_read_once_and_then_cached() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.table.table.pause(&pause(&world, None, "*")).await.unwrap();
    world.host.advance(processor::NOTICED_WITHIN - time::Duration::MILLISECOND);
    world.take(&account(2, "ACCOUNT_CHANGED", "2")).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
    world.host.advance(time::Duration::MILLISECOND);
    world.take(&account(3, "ACCOUNT_CHANGED", "3")).await;
    assert_eq!(world.states().await, ["paused", "processed", "processed"]);
}

#[tokio::test]
async fn a_pause_has_no_effect_after_its_end() {
    let world = World::new().await;
    let end = world.host.now() + time::Duration::seconds(10);
    let ending = Pause { until: Some(end), ..pause(&world, None, "*") };
    world.table.table.pause(&ending).await.unwrap();
    let body = account(1, "ACCOUNT_CHANGED", "1");
    world.take(&body).await;
    world.host.advance(time::Duration::seconds(10) - time::Duration::MILLISECOND);
    world.take(&account(2, "ACCOUNT_CHANGED", "2")).await;
    assert_eq!(world.states().await, ["paused", "paused"]);
    world.host.advance(time::Duration::MILLISECOND);
    world.take(&account(3, "ACCOUNT_CHANGED", "3")).await;
    assert_eq!(world.states().await, ["paused", "paused", "processed"], "what is remembered of it is over as well");
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!(world.states().await, ["paused", "processed", "processed"], "what waited is taken while it is paused");
}

#[tokio::test]
async fn a_held_notification_is_left_alone_until_it_is_released() {
    let world = World::new().await;
    let mut body = order(1, "SALES_ORDER_UI_CUSTOMACTION", "Open", 0);
    body["parameter"] = "later".into();
    assert_eq!(world.take(&body).await, [0]);
    let key = key_of(&world, &body);
    assert!(act(&world, &key, Deed::Hold).await);
    assert_eq!(world.states().await, ["parked: held"]);
    assert_eq!(world.batch(&[world.message(&body)], 2).await, [0_usize; 0], "its message leaves the queue");
    assert_eq!(world.states().await, ["parked: held"]);
    assert!(act(&world, &key, Deed::Release).await && !act(&world, &key, Deed::Release).await);
    assert_eq!(world.states().await, ["retrying"]);
    assert_eq!(world.table.needing_attention("parked").await, 0);
    assert_eq!(world.batch(&[world.replay(&body)], 1).await, [0], "it is tried again");
}

#[tokio::test]
async fn records_who_acted_and_refuses_impossible_actions() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    let key = key_of(&world, &body);
    assert!(!act(&world, &key, Deed::Replay).await, "nothing is recorded yet");
    assert!(world.states().await.is_empty());
    world.take(&body).await;
    assert!(act(&world, &key, Deed::Replay).await);
    assert!(!act(&world, &key, Deed::Hold).await, "it has ended");
    assert!(!act(&world, &key, Deed::Outcome).await, "nobody awaits one");
    assert!(act(&world, &key, Deed::ResendFeedback).await, "it is queued still");
    let item = world.table.item("N#").await;
    let actions: Vec<_> = item["actions"].as_l().unwrap().iter().map(|line| line.as_m().unwrap()).collect();
    let names: Vec<_> = actions.iter().map(|line| line["action"].as_s().unwrap().as_str()).collect();
    assert_eq!(names, ["replay", "resend_feedback"]);
    assert_eq!(actions[0]["by"].as_s().unwrap(), "op");
    assert_eq!(item["state"].as_s().unwrap(), "processed");
}

const DIALECT: &str = r#"{"hendelse":"KontoEndret","konto":{"nr":"1920"},"contextId":"1234567"}"#;

/// A parked notification whose body has unknown field names.
async fn unknown_dialect(world: &World) -> LedgerKey {
    let body: Value = serde_json::from_str(DIALECT).unwrap();
    world.take(&body).await;
    assert_eq!(world.states().await, ["parked: unmapped"]);
    key_of(world, &body)
}

/// The settings that `learn` would write.
fn learn(world: &World) {
    let mut document = fixtures::document();
    document["event_aliases"] = json!({ "KontoEndret": "ACCOUNT_CHANGED" });
    document["fields"] =
        json!([{ "events": "*", "event": ["/hendelse"] }, { "events": "account.*", "key": ["/konto/nr"] }]);
    world.settings.put(document);
    world.host.advance(time::Duration::seconds(3));
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

#[tokio::test]
async fn a_dead_notification_that_was_answered_is_not_answered_again_under_another_key() {
    let world = World::new().await;
    let mut body: Value = serde_json::from_str(DIALECT).unwrap();
    body["notificationId"] = "3fa85f64-5717-4562-b3fc-2c963f66afa6".into();
    let delivery = world.delivery(&body);
    let now = world.host.now();
    let attempt = Attempt { at: now, receive_count: 4, reason: Reason::Unavailable, detail: String::new() };
    let verdict = Some(Verdict::failure("It could not be processed."));
    let answer = Some(Answering { feedback: FeedbackState::Queued, verdict, ..Answering::none() });
    let notification = &Notification::all_of(&delivery, &NoDirectory)[0];
    let dead = Entry { notification, change: Change::Dead { attempt, answer }, now };
    assert!(world.table.table.record(&dead).await.unwrap());
    learn(&world);
    world.batch(&[delivery.to_message()], 2).await;
    assert_eq!(world.states().await, ["processed", "superseded"]);
    assert!(world.feedback.sent().is_empty(), "the accountant has read that it failed");
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
async fn an_attempt_from_before_a_pause_that_fails_at_last_leaves_it_waiting_and_tells_nobody() {
    let world = World::new().await;
    let message = world.message(&account(1, "ACCOUNT_CHANGED", "7"));
    world.table.table.pause(&pause(&world, None, "*")).await.unwrap();
    world.batch(std::slice::from_ref(&message), 1).await;
    assert_eq!(world.states().await, ["paused"]);
    world.table.table.resume(None, "*", world.host.now()).await.unwrap();
    world.host.advance(processor::NOTICED_WITHIN);
    let down = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Timeout, after: None };
    world.fail_to_the_end(&[message], down).await;
    assert_eq!(world.states().await, ["paused"]);
    assert!(world.feedback.sent().is_empty());
    let attempts = world.table.item("N#").await["attempts"].as_l().unwrap().len();
    assert!(attempts >= 4, "each is recorded: {attempts}");
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
    let new = world.table.table.record_of(&old).await.unwrap().unwrap().moved_to.unwrap();
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
    let second = world.table.table.record_of(&first).await.unwrap().unwrap().moved_to.unwrap();
    world.settings.put(fixtures::document());
    world.host.advance(time::Duration::seconds(3));
    world.batch(&[replay_of(&world, &second).await], 1).await;
    let parked = ["parked: unidentified", "superseded", "superseded"];
    assert_eq!(world.states().await, parked);
    let third = world.table.table.record_of(&second).await.unwrap().unwrap().moved_to.unwrap();
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
