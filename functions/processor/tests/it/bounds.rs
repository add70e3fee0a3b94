//! Missing, expired and changing settings, secrets, pauses and names, and a tenant id of the wrong
//! kind.

use crate::world::{MAX_RECEIVE_COUNT, World, account, down};
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use fixtures::{TENANT, on_request, refuses};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::Duration;
use webhooks_host::Host;
use webhooks_model::Pause;
use webhooks_visma::{Stage, VismaError};

async fn pause(world: &World) {
    let (tenant, since) = (Some(TENANT.to_owned()), world.host.now());
    let pause = Pause { tenant, events: "*".into(), since, by: "op".into(), note: String::new(), until: None };
    world.table.table.pause(&pause).await.unwrap();
    world.host.advance(processor::NOTICED_WITHIN);
}

/// Ends the pause and releases what waits. Returns how many waited.
async fn resume(world: &World) -> usize {
    assert!(world.table.table.resume(Some(TENANT), "*", world.host.now()).await.unwrap());
    world.host.advance(processor::NOTICED_WITHIN);
    let waiting = world.table.table.marked("paused", None, 100).await.unwrap().records;
    for record in &waiting {
        assert!(world.table.table.let_go(&record.key, &record.position.at, world.host.now()).await.unwrap());
    }
    waiting.len()
}

#[tokio::test]
async fn a_replay_of_an_ended_notification_waits_for_a_pause_and_runs_after_it() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.take(&body).await;
    pause(&world).await;
    for _ in 0..2 {
        assert!(world.batch(&[world.replay(&body)], 1).await.is_empty());
    }
    assert_eq!((world.states().await, world.events.sent().len()), (vec!["processed".to_owned()], 1));
    assert_eq!(resume(&world).await, 1);
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!((world.states().await, world.events.sent().len()), (vec!["processed".to_owned()], 2));
    assert_eq!(world.feedback.sent().len(), 1, "it was answered before");
}

#[tokio::test]
async fn a_pause_is_noticed_although_the_clock_was_turned_back() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await;
    world.host.advance(-Duration::HOUR);
    pause(&world).await;
    assert!(world.take(&account(2, "ACCOUNT_CHANGED", "1921")).await.is_empty());
    assert_eq!(world.states().await, ["paused", "processed"]);
}

#[tokio::test]
async fn a_dead_letter_that_comes_back_during_a_pause_waits_and_is_processed_after_it() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    let letter = world.message(&body);
    for receive_count in 1..=MAX_RECEIVE_COUNT {
        world.erp.fail_fetches([down()]);
        world.batch(std::slice::from_ref(&letter), receive_count).await;
    }
    pause(&world).await;
    assert!(world.batch(&[letter], 1).await.is_empty());
    assert_eq!(world.states().await, ["dead: unavailable"]);
    assert_eq!(world.table.needing_attention("dead").await, 1);
    assert_eq!(resume(&world).await, 1);
    world.batch(&[world.replay(&body)], 1).await;
    assert_eq!((world.states().await, world.events.sent().len()), (vec!["processed".to_owned()], 1));
}

#[tokio::test]
async fn a_replay_of_a_parked_notification_waits_for_a_pause() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_CHANGED", "1920");
    world.erp.fail_fetches([VismaError::TenantNotApproved { stage: Stage::Resource }]);
    world.take(&body).await;
    pause(&world).await;
    assert!(world.batch(&[world.replay(&body)], 1).await.is_empty());
    assert_eq!(world.states().await, ["parked: tenant_not_approved"]);
    assert_eq!(resume(&world).await, 1);
}

#[tokio::test]
async fn a_death_without_settings_has_one_record_after_its_redrive() {
    let world = World::new().await;
    let settings = world.settings.document().take();
    let letter = world.message(&account(1, "ACCOUNT_CHANGED", "1920"));
    assert_eq!(
        world.batch(std::slice::from_ref(&letter), MAX_RECEIVE_COUNT).await,
        [0],
        "the dead-letter queue takes it"
    );
    assert!(world.table.items().await.is_empty());
    assert_eq!(world.emitted.count("Dead unavailable"), 1);

    world.settings.put(settings);
    world.host.advance(Duration::minutes(1));
    assert!(world.batch(&[letter], 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
    let records = world.table.items().await;
    let records = records.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("N#"));
    assert_eq!(records.count(), 1);
}

fn refused_by_connect() -> VismaError {
    VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None }
}

#[tokio::test]
async fn reads_a_changed_client_secret_before_it_parks() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.settings.document()["visma"]["client_secret"] = json!("canary-rotated");
    world.host.advance(Duration::seconds(31));
    world.erp.fail_fetches([refused_by_connect()]);
    world.take(&account(2, "ACCOUNT_CHANGED", "2")).await;
    assert_eq!(world.states().await, ["processed", "processed"]);
}

#[tokio::test]
async fn reads_no_settings_again_while_the_erp_is_down() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.settings.document()["visma"]["client_secret"] = json!("canary-rotated");
    world.host.advance(Duration::seconds(31));
    world.erp.fail_fetches([down()]);
    assert_eq!(world.take(&account(2, "ACCOUNT_CHANGED", "2")).await, [0]);
    assert_eq!((world.settings.readings(), world.erp.fetched().len()), (1, 2));
}

#[tokio::test]
async fn reads_settings_again_only_if_newer_ones_could_prevent_the_parking() {
    let too_long = json!({"event": "ACCOUNT_UPDATED", "contextId": "1234567", "accountCd": "9".repeat(257)});
    for (body, readings) in [
        (account(1, "ACCOUNT_CHANGED", "1").to_string(), 1),
        ("not JSON".to_owned(), 1),
        (too_long.to_string(), 1),
        (account(1, "PAYROLL_RUN", "1").to_string(), 2),
    ] {
        let world = World::new().await;
        world.take(&account(9, "ACCOUNT_CHANGED", "9")).await;
        world.host.advance(Duration::seconds(31));
        assert!(world.batch(&[world.raw_delivery(body.as_bytes()).to_message()], 1).await.is_empty());
        assert_eq!(world.settings.readings(), readings, "{body}");
    }
}

#[tokio::test]
async fn looks_for_a_record_of_earlier_settings_only_if_there_may_be_one() {
    let mut counts = vec![];
    for receive_count in [1, 2] {
        let (world, queries) = (World::new().await, Arc::new(AtomicUsize::new(0)));
        let counted = queries.clone();
        let ledger = world.table.through(on_request(move |request| {
            let is_query = request.input().downcast_ref::<QueryInput>().is_some();
            counted.fetch_add(usize::from(is_query), Ordering::Relaxed);
            Ok(())
        }));
        let world = world.with_ledger(ledger);
        // An unsigned one leaves no observations, which need queries of their own.
        let message = world.legacy(&account(1, "ACCOUNT_CHANGED", "1920")).to_message();
        assert!(world.batch(&[message], receive_count).await.is_empty());
        counts.push(queries.load(Ordering::Relaxed));
    }
    assert!(counts[0] < counts[1], "{counts:?}");
}

#[tokio::test]
async fn a_notification_that_continues_no_record_needs_no_read_of_one() {
    let world = World::new().await;
    let ledger = world.table.through(refuses::<GetItemInput>());
    let world = world.with_ledger(ledger);
    assert!(world.take(&account(1, "ACCOUNT_CHANGED", "1920")).await.is_empty());
    assert_eq!((world.states().await, world.feedback.sent().len()), (vec!["processed".to_owned()], 1));
}

#[tokio::test]
async fn parks_a_connect_refusal_under_the_newest_settings_without_another_call() {
    let world = World::new().await;
    for number in 1..=3 {
        world.host.advance(Duration::seconds(31));
        world.erp.fail_fetches([refused_by_connect()]);
        world.take(&account(number, "ACCOUNT_CHANGED", &number.to_string())).await;
    }
    assert_eq!(world.states().await, ["parked: token_refused"; 3]);
    assert_eq!(world.erp.fetched().len(), 3);
}

#[tokio::test]
async fn retries_a_connect_refusal_while_settings_are_unreadable() {
    let world = World::new().await;
    world.take(&account(1, "ACCOUNT_CHANGED", "1")).await;
    world.settings.clear();
    world.host.advance(Duration::seconds(31));
    world.erp.fail_fetches([refused_by_connect()]);
    assert_eq!(world.take(&account(2, "ACCOUNT_CHANGED", "2")).await, [0]);
    assert_eq!(world.states().await, ["processed", "retrying: unavailable"]);
}

#[tokio::test]
async fn parks_an_unidentified_notification_at_once_under_a_key_of_its_own() {
    let world = World::new().await;
    for body in [
        json!({}),
        json!({"event": "", "contextId": "", "entityId": "", "status": ""}),
        json!({"event": " ", "contextId": null, "entityId": 0, "status": {}}),
    ] {
        for delivery in [world.delivery(&body), world.legacy(&body)] {
            assert!(world.batch(&[delivery.to_message()], 1).await.is_empty(), "{body}");
        }
    }
    let states = world.states().await;
    assert!(!states.is_empty() && states.iter().all(|state| state.starts_with("parked")), "{states:?}");
    for body in [&b""[..], b"\"\"", b"[]", b"[\"\"]"] {
        let delivery = world.raw_delivery(body);
        assert!(world.batch(&[delivery.to_message()], 1).await.is_empty(), "{body:?}");
    }
}

/// For the customer's tenant id instead of the company's, Visma Connect gives tokens, and the ERP
/// refuses each (docs/visma-net.md#tenant-ids).
fn refused_by_erp() -> VismaError {
    VismaError::TokenRefused { stage: Stage::Resource, status: 401, after: None }
}

async fn details(world: &World) -> Vec<String> {
    let item = world.table.item("N#").await;
    let lines = item["attempts"].as_l().unwrap().iter();
    lines.map(|line| line.as_m().unwrap()["detail"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn one_refused_token_is_tried_again() {
    let world = World::new().await;
    world.erp.fail_fetches([refused_by_erp()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["retrying: token_refused"]);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn a_customer_tenant_is_parked_with_these_words_and_can_be_replayed() {
    let world = World::new().await;
    world.erp.fail_fetches([refused_by_erp(), VismaError::CompanyTenantNeeded { stage: Stage::Resource }]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["parked: company_tenant_needed"]);
    let told = details(&world).await;
    assert!(told[1].contains("customer tenant, not company tenant"), "{told:?}");
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn parks_a_notification_whose_token_every_attempt_was_refused() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.erp.fail_fetches(vec![refused_by_erp(); MAX_RECEIVE_COUNT as usize]);
    for receive_count in 1..MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty());
    assert_eq!(world.states().await, ["parked: company_tenant_needed"]);
    assert!(details(&world).await.last().unwrap().contains("customer tenant, not company tenant"));
    assert!(world.feedback.sent().is_empty(), "nobody is told that it failed");
}

#[tokio::test]
async fn refused_sales_orders_are_parked_without_blaming_the_tenant_id() {
    let world = World::new().await;
    let order = json!({
        "notificationId": uuid::Uuid::from_u128(1), "contextId": "1234567", "event": "SALESORDER_UPDATED",
        "relativeResourceUri": "api/v3/SalesOrders/SO/1",
    });
    let message = [world.message(&order)];
    world.erp.fail_fetches(vec![refused_by_erp(); MAX_RECEIVE_COUNT as usize]);
    for receive_count in 1..MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty());
    assert_eq!(world.states().await, ["parked: tenant_not_approved"]);
    assert!(details(&world).await.last().unwrap().contains("visma.net.erp.salesorder:read"));
}
