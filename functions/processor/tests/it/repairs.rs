//! The effects of operators' actions on the processor, through the ledger and replays.

use crate::world::{World, account, down, key_in, order};
use fixtures::TENANT;
use serde_json::Value;
use webhooks_host::Host;
use webhooks_model::{LedgerKey, Pause};
use webhooks_store::{Action, Deed, Erasure};
use webhooks_visma::{Fault, Stage, VismaError};

pub(crate) fn key_of(world: &World, body: &Value) -> LedgerKey {
    key_in(&world.delivery(body))
}

fn pause(world: &World, tenant: Option<&str>, events: &str) -> Pause {
    let (tenant, since) = (tenant.map(str::to_owned), world.host.now());
    Pause { tenant, events: events.into(), since, by: "op".into(), note: "year end".into(), until: None }
}

pub(crate) async fn act(world: &World, key: &LedgerKey, deed: Deed) -> bool {
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

/// A notification whose first attempt failed, and its key.
async fn failed_once(world: &World) -> (Value, LedgerKey) {
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.erp.fail_fetches([down()]);
    assert_eq!(world.take(&body).await, [0]);
    let key = key_of(world, &body);
    (body, key)
}

#[tokio::test]
async fn a_hold_stands_against_replays_until_an_operator_asks_for_one() {
    let world = World::new().await;
    let (body, key) = failed_once(&world).await;
    assert!(act(&world, &key, Deed::Hold).await);
    assert_eq!(world.batch(&[world.replay(&body)], 1).await, [0_usize; 0], "its message leaves the queue");
    assert_eq!(world.states().await, ["parked: held"]);
    assert!(world.events.sent().is_empty());
    assert!(act(&world, &key, Deed::Replay).await);
    assert_eq!(world.states().await, ["retrying"]);
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!(world.states().await, ["processed"]);
}

/// Earlier versions left the hold when an operator asked for a replay.
#[tokio::test]
async fn carries_out_a_replay_that_an_earlier_version_has_queued_for_what_was_held() {
    for (deeds, expected) in [
        (&[Deed::Hold, Deed::Replay][..], "processed"),
        (&[Deed::Hold, Deed::Replay, Deed::Hold][..], "parked: held"),
        (&[Deed::Replay, Deed::Hold][..], "parked: held"),
    ] {
        let world = World::new().await;
        let (body, key) = failed_once(&world).await;
        for deed in deeds {
            assert!(act(&world, &key, *deed).await, "{deed:?}");
        }
        for (name, text) in [("state", "parked"), ("reason", "held")] {
            world.table.overwrite("N#", name, text).await;
        }
        assert_eq!(world.batch(&[world.message(&body)], 2).await, [0_usize; 0], "another message");
        assert_eq!(world.states().await, ["parked: held"]);
        world.batch(&[world.replay(&body)], 1).await;
        assert_eq!(world.states().await, [expected], "{deeds:?}");
    }
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
