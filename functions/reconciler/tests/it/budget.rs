//! The budget of a run. Every list and every tenant gets its turn, however small the budget.

use crate::world::World;
use fixtures::{TENANT, TestHost};
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashSet;
use time::Duration;
use webhooks_model::collection::Collection;
use webhooks_model::rollup::hour_of;
use webhooks_model::{Allowance, Origin};
use webhooks_store::Change;
use webhooks_telemetry::{Captured, subscriber_for_tests};
use webhooks_visma::{Fault, Stage, VismaError};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn keys(world: &World) -> HashSet<String> {
    world.queued().into_iter().map(|n| n.entity_key.unwrap()).collect()
}

#[tokio::test]
async fn a_run_out_of_calls_goes_on_where_it_stopped() {
    let world = World::new(json!({"collections": ["customer"], "max_calls": 2})).await;
    for n in 0..450 {
        world.change(TENANT, Collection::Customer, &n.to_string(), 30);
    }
    let mut runs = 0;
    loop {
        let report = world.run().await;
        runs += 1;
        if report.unfinished == 0 {
            break;
        }
        assert!(runs < 10, "it never ends");
    }
    assert_eq!((runs, keys(&world).len()), (3, 450));
    let pages: Vec<String> = (0..6).map(|page| format!("{TENANT}:customer:{page}")).collect();
    assert_eq!(world.calls(), pages, "no page twice");
}

#[tokio::test]
async fn the_queue_is_never_flooded_and_every_tenant_gets_its_turn() {
    let world = World::with_tenants(json!({"collections": ["account"], "max_gaps": 30}), &[TENANT, OTHER]).await;
    for n in 0..70 {
        world.change(TENANT, Collection::Account, &n.to_string(), 30);
    }
    for n in 70..75 {
        world.change(OTHER, Collection::Account, &n.to_string(), 30);
    }
    let mut before = 0;
    // Half of a run's budget is reserved for lists without a turn so far.
    for expected in [20, 35, 50, 65, 75] {
        world.run().await;
        let queued = world.queued();
        assert!(queued.len() - before <= 30);
        before = queued.len();
        let of_other = queued.iter().filter(|n| n.tenant.as_deref() == Some(OTHER)).count();
        assert_eq!((queued.len(), of_other), (expected, 5));
        for n in queued {
            world.process(&n).await;
        }
    }
}

#[tokio::test]
async fn the_last_list_without_a_turn_may_use_all_that_is_left() {
    let world = World::new(json!({"collections": ["customer"], "max_gaps": 10})).await;
    for n in 0..20 {
        world.change(TENANT, Collection::Customer, &n.to_string(), 30);
    }
    assert_eq!(world.run().await.gaps_found[&Collection::Customer], 10);
}

#[tokio::test]
async fn asks_for_no_list_when_nothing_more_may_be_queued() {
    let world = World::new(json!({"collections": ["customer", "supplier"], "max_gaps": 1})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    world.run().await;
    assert_eq!(world.calls(), [format!("{TENANT}:customer:0")]);
}

#[tokio::test]
async fn an_unchanged_list_costs_one_call() {
    let world = World::new(json!({})).await;
    let report = world.run().await;
    assert_eq!((report.calls, report.finished), (10, 10));
    assert!(world.queue.sent().is_empty());
}

#[tokio::test]
async fn a_tenant_out_of_quota_is_left_alone_and_the_other_goes_on() {
    let world = World::with_tenants(json!({"collections": ["customer", "supplier"]}), &[TENANT, OTHER]).await;
    world.fail([VismaError::RateLimited { stage: Stage::List, after: Some(std::time::Duration::from_secs(600)) }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (2, 2, 3));
}

#[tokio::test]
async fn a_tenant_that_approved_one_api_is_swept_there() {
    let world = World::new(json!({"collections": ["sales_order", "customer", "supplier"]})).await;
    world.fail([VismaError::TenantNotApproved { stage: Stage::List }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (2, 1, 3), "sales orders are refused");
    world.fail_after(1, VismaError::TenantNotApproved { stage: Stage::List });
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (1, 2, 2), "the other API is refused");
}

#[tokio::test]
async fn sales_orders_that_refuse_the_token_stop_no_other_list() {
    let world = World::new(json!({"collections": ["sales_order", "customer", "supplier"]})).await;
    world.fail([VismaError::TokenRefused { stage: Stage::List, status: 401, after: None }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (2, 1, 3));
    world.fail([VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (0, 3, 1), "Visma Connect gives none");
}

#[tokio::test]
async fn a_silent_list_delays_no_other_and_is_continued_later() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new(json!({"collections": ["customer", "supplier"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    world.fail([VismaError::Unavailable { stage: Stage::List, fault: Fault::Status(503), after: None }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished), (1, 1));
    assert!(keys(&world).is_empty());
    let lines = captured.lines();
    let told = "sweep ended early: list: unavailable (503)";
    let line = lines.iter().find(|line| line["message"] == told).unwrap();
    let named = ["tenant", "collection", "reason"].map(|name| line[name].as_str().unwrap());
    assert_eq!(named, [TENANT, "customer", "unavailable"]);
    world.run().await;
    assert_eq!(keys(&world).len(), 1);
}

#[tokio::test]
async fn counts_what_was_found_before_a_list_stopped_answering() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    for n in 0..150 {
        world.change(TENANT, Collection::Customer, &n.to_string(), 30);
    }
    world.fail_after(1, VismaError::Unavailable { stage: Stage::List, fault: Fault::Status(503), after: None });
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished), (0, 1));
    assert_eq!(report.gaps_found.get(&Collection::Customer), Some(&100));
    assert_eq!(["GapsFound", "ListsUnfinished"].map(|name| world.emitted.count(name)), [100, 1]);
    assert_eq!(world.run().await.gaps_found.get(&Collection::Customer), Some(&50));
}

#[tokio::test]
async fn a_queue_that_refuses_leaves_the_watermark_where_it_was() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    world.queue.refuse(true);
    world.run().await;
    world.queue.refuse(false);
    world.run().await;
    assert_eq!(keys(&world).len(), 1);
}

#[tokio::test]
async fn a_run_can_be_limited_to_one_tenant() {
    let world = World::with_tenants(json!({"collections": ["customer"]}), &[TENANT, OTHER]).await;
    let report = world.run_for(Some(OTHER)).await;
    assert_eq!((report.tenants, world.calls()), (1, vec![format!("{OTHER}:customer:0")]));
}

#[tokio::test]
async fn a_list_without_an_answer_does_not_outlast_the_run() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    world.lists.0.lock().unwrap().is_silent = true;
    let run = world.run_within(std::time::Duration::from_millis(60));
    let report = tokio::time::timeout(std::time::Duration::from_secs(30), run).await.unwrap();
    assert_eq!((report.finished, report.unfinished), (0, 1));
    assert!(report.silent.is_some(), "it does what follows the lists");
}

#[tokio::test]
async fn a_list_with_many_changes_does_not_outlast_the_run() {
    let world = World::new(json!({"collections": ["account"]})).await;
    let accounts: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    world.change_all(Collection::Account, &accounts, 30);
    world.host.step(Duration::milliseconds(200));
    let report = world.run().await;
    let took = world.now() - TestHost::START;
    assert!(took < Duration::MINUTE, "{took}");
    assert_eq!((report.finished, report.unfinished), (0, 1));
    assert!(report.silent.is_some(), "it does what follows the lists");
    world.host.step(Duration::ZERO);
    assert_eq!(world.run().await.finished, 1);
    assert_eq!(keys(&world).len(), 300);
}

#[tokio::test]
async fn many_releases_leave_the_lists_their_turn() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    for key in 0..200 {
        let n = world.accepted(TENANT, &key.to_string(), Origin::Webhook);
        world.record(&n, Change::RateLimited { attempt: None, waits_here: true }).await;
    }
    let resets_at = world.now() - Duration::hours(2);
    let allowance =
        Allowance { tenant: TENANT.to_owned(), limit: Some(10_000), calls_each: 1, resets_at, released_to: None };
    world.table.table.used_up(&allowance, world.now()).await.unwrap();
    world.host.step(Duration::milliseconds(300));
    let report = world.run().await;
    assert!((1..200).contains(&report.released), "{report:?}");
    assert_eq!((report.finished, report.unfinished), (1, 0));
}

fn tenants(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("5a0e6f0e-32b4-4b5a-9e0e-{n:012}")).collect()
}

async fn world(tenants: &[String], collections: usize, max_calls: u32) -> World {
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let collections = &Collection::ALL[..collections];
    World::with_tenants(json!({"collections": collections, "max_calls": max_calls}), &tenants).await
}

/// The requested lists, `{tenant}:{collection}`.
fn asked(world: &World) -> HashSet<String> {
    world.calls().iter().map(|call| call.rsplit_once(':').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn two_hourly_runs_of_200_calls_sweep_thirty_tenants() {
    let tenants = tenants(30);
    let world = world(&tenants, 10, 200).await;
    for _ in 0..2 {
        world.run().await;
        world.host.advance(Duration::hours(1));
    }
    assert_eq!(asked(&world).len(), 300);
}

#[tokio::test]
async fn a_list_with_more_than_a_run_may_queue_leaves_room_for_the_others() {
    let tenants = tenants(2);
    let rules = json!({"collections": ["customer", "supplier"], "max_gaps": 10});
    let world = World::with_tenants(rules, &[&tenants[0], &tenants[1]]).await;
    for n in 0..100 {
        world.change(&tenants[0], Collection::Customer, &n.to_string(), 30);
    }
    world.change(&tenants[1], Collection::Customer, "1", 30);
    let report = world.run().await;
    assert_eq!((asked(&world).len(), report.gaps_found[&Collection::Customer]), (4, 6), "half of ten, and one");
    assert!(world.queued().iter().any(|n| n.tenant.as_deref() == Some(tenants[1].as_str())));
}

#[tokio::test]
async fn a_tenant_with_little_quota_has_all_its_lists_swept_in_turn() {
    let world = World::new(json!({})).await;
    for run in 0..6 {
        world.lists.0.lock().unwrap().quotas.insert(TENANT.to_owned(), 5);
        let report = world.run().await;
        assert!(report.calls <= 4, "run {run}: {report:?}");
    }
    assert_eq!(asked(&world).len(), 10);
}

#[tokio::test]
async fn a_run_with_a_turn_for_all_lists_writes_no_place() {
    let world = world(&tenants(2), 2, 100).await;
    world.run().await;
    let item = world.table.client.get_item().table_name("webhooks");
    let item = item.key("pk", aws_sdk_dynamodb::types::AttributeValue::S("#reconciliation#".into()));
    let item = item.key("sk", aws_sdk_dynamodb::types::AttributeValue::S("PLACE".into())).send().await.unwrap();
    assert!(item.item.is_none());
}

#[tokio::test]
async fn every_tenant_is_counted_within_as_many_runs_as_the_count_takes() {
    for (many, minutes) in (1..=7).flat_map(|many| [5, 60, 1440].map(|minutes| (many, minutes))) {
        let tenants = tenants(many);
        let world = world(&tenants, 0, 100).await;
        // A run of a minute counts two tenants, and cuts the third short.
        world.cost.slow_down(&world.host, Duration::seconds(24));
        let mut counted = HashSet::new();
        for run in 0..many.div_ceil(2) {
            let begins = TestHost::START + Duration::minutes(minutes * run as i64);
            world.host.advance(begins - world.now());
            world.run().await;
            for tenant in &tenants {
                let rolling = world.table.table.rolling(tenant).await.unwrap();
                if rolling.is_some_and(|rolling| rolling.hour() == hour_of(begins - Duration::minutes(5))) {
                    counted.insert(tenant);
                }
            }
        }
        assert_eq!(counted.len(), many, "{many} tenants, a run every {minutes} minutes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_list_is_swept_within_as_many_runs_as_the_calls_need(
        tenants_count in 1..12_usize,
        collections in 1..4_usize,
        max_calls in 1..9_u32,
        minutes in 1..3000_i64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tenants = tenants(tenants_count);
            let world = world(&tenants, collections, max_calls).await;
            let lists = tenants_count * collections;
            for _ in 0..lists.div_ceil(max_calls as usize) {
                world.run().await;
                world.host.advance(Duration::minutes(minutes));
            }
            assert_eq!(asked(&world).len(), lists);
        });
    }
}
