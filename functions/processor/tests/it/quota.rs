//! A tenant without calls: its notifications wait without using up attempts.

use crate::world::{MAX_RECEIVE_COUNT, World, account, down};
use fixtures::TENANT;
use serde_json::json;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_store::Erasure;
use webhooks_visma::{Stage, VismaError};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn limited(seconds: u64) -> VismaError {
    VismaError::RateLimited { stage: Stage::Resource, after: Some(Duration::from_secs(seconds)) }
}

fn waiting() -> String {
    format!("rate_limited#{TENANT}")
}

#[tokio::test]
async fn a_short_wait_is_spent_on_the_queue_and_grows() {
    let world = World::new().await;
    world.erp.fail_fetches([limited(200), limited(200)]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.batch(&message, 2).await, [0]);
    assert_eq!(world.states().await, ["retrying: rate_limited"]);
    let waits: Vec<u64> = world.notifications.hidden().into_iter().map(|(_, wait)| wait.as_secs()).collect();
    assert!(waits[0] >= 200 && waits[1] > waits[0], "{waits:?}");
    assert_eq!(world.table.item("N#").await["attempts"].as_l().unwrap().len(), 1, "of a row the first is kept");
    assert!(world.batch(&message, 3).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn a_long_wait_is_spent_in_the_ledger_and_says_how_many_calls_there_are() {
    let world = World::new().await;
    world.erp.allow(2, &world.host);
    let all: Vec<String> = (1..=5).map(|n| world.message(&account(n, "ACCOUNT_CHANGED", &n.to_string()))).collect();
    assert!(world.batch(&all, 1).await.is_empty(), "none stays on the queue");
    let mut expected = vec!["processed"; 2];
    expected.extend(["retrying: rate_limited"; 3]);
    assert_eq!(world.states().await, expected);
    assert_eq!(world.table.needing_attention(&waiting()).await, 3);
    let allowances = world.table.table.allowances().await.unwrap();
    let allowance = &allowances[0];
    assert_eq!((allowance.tenant.as_str(), allowance.limit, allowance.calls_each), (TENANT, Some(2), 2));
    assert_eq!(allowance.resets_at, fixtures::TestHost::START + time::Duration::HOUR);
}

#[tokio::test]
async fn a_requeued_notification_continues_after_waiting_for_calls() {
    let world = World::new().await;
    world.erp.fail_fetches([limited(3000)]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert!(world.batch(&message, 1).await.is_empty());
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    assert_eq!(world.table.needing_attention(&waiting()).await, 0);
    assert_eq!((world.events.sent().len(), world.feedback.sent().len()), (1, 1));
}

#[tokio::test]
async fn running_out_of_calls_is_not_an_attempt() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    for round in 1..=20 {
        world.erp.fail_fetches([limited(3000)]);
        assert!(world.batch(&message, 1 + round % 3).await.is_empty(), "it waits in the ledger");
    }
    world.erp.fail_fetches([down()]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["retrying: unavailable"]);
    assert_eq!(world.emitted.count("Dead"), 0);
    assert!(world.table.item("N#").await["attempts"].as_l().unwrap().len() == 2);
}

#[tokio::test]
async fn even_at_the_last_attempt_it_is_not_given_up() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.erp.fail_fetches((1..MAX_RECEIVE_COUNT).map(|_| down()));
    for receive_count in 1..MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    world.erp.fail_fetches([limited(3000)]);
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty(), "another message takes its place");
    assert_eq!(world.notifications.sent().len(), 1);
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn a_redriven_dead_notification_waits_for_calls_on_the_queue() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.fail_to_the_end(&message, down()).await;
    world.erp.fail_fetches([limited(3000)]);
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert!(world.notifications.sent().is_empty());
}

#[tokio::test]
async fn a_short_wait_before_the_last_receipt_is_spent_in_the_ledger() {
    let world = World::new().await;
    world.erp.fail_fetches([limited(200)]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert!(world.batch(&message, MAX_RECEIVE_COUNT - 1).await.is_empty(), "the last receipt is kept for it");
    assert_eq!(world.states().await, ["retrying: rate_limited"]);
    assert_eq!(world.table.needing_attention(&waiting()).await, 1);
}

#[tokio::test]
async fn another_tenant_is_not_delayed() {
    let world = World::new().await;
    world.settings.document()["tenants"].as_array_mut().unwrap().push(json!({"id": OTHER, "company_id": "7"}));
    world.erp.allow(3, &world.host);
    let mut all: Vec<String> = (1..=9).map(|n| world.message(&account(n, "ACCOUNT_CHANGED", &n.to_string()))).collect();
    let mut other = account(10, "ACCOUNT_CHANGED", "1");
    other["contextId"] = json!("7");
    all.push(world.message(&other));
    assert!(world.batch(&all, 1).await.is_empty());
    assert_eq!(world.states().await.iter().filter(|state| *state == "processed").count(), 4);
    assert!(world.events.sent().iter().any(|event| event.group.as_deref() == Some(OTHER)));
}

#[tokio::test]
async fn a_window_that_is_used_up_is_written_down_once() {
    let world = World::new().await;
    world.erp.allow(1, &world.host);
    for n in 1..=3 {
        world.take(&account(n, "ACCOUNT_CHANGED", &n.to_string())).await;
    }
    let noted = world.table.item("ALLOWANCE").await["attention_at"].clone();
    world.host.advance(time::Duration::minutes(30));
    world.take(&account(4, "ACCOUNT_CHANGED", "4")).await;
    assert_eq!(world.table.item("ALLOWANCE").await["attention_at"], noted);
    world.host.advance(time::Duration::minutes(30));
    for n in 5..=6 {
        world.take(&account(n, "ACCOUNT_CHANGED", &n.to_string())).await;
    }
    assert_ne!(world.table.item("ALLOWANCE").await["attention_at"], noted);
}

#[tokio::test]
async fn a_window_that_is_used_up_is_written_down_again_after_an_erasure() {
    let world = World::new().await;
    world.erp.fail_fetches([limited(3000)]);
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    let now = world.host.now();
    world.table.table.set_erasure(&Erasure { tenant: TENANT.into(), of_before: now }, now).await.unwrap();
    world.table.table.erase(&(format!("{TENANT}#reconciliation#"), "ALLOWANCE".to_owned())).await.unwrap();
    world.host.advance(processor::NOTICED_WITHIN);
    world.erp.fail_fetches([limited(2900)]);
    world.take(&account(2, "ACCOUNT_CHANGED", "2")).await;
    assert_eq!(world.table.table.allowances().await.unwrap().len(), 1, "or it would wait for ever");
}
