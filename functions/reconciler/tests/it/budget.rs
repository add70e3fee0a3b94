use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use webhooks_model::collection::Collection;
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
async fn an_unchanged_list_costs_one_call() {
    let world = World::new(json!({})).await;
    let report = world.run().await;
    assert_eq!((report.calls, report.finished), (10, 10));
    assert!(world.queue.sent().is_empty());
}

#[tokio::test]
async fn a_tenant_out_of_quota_is_left_alone_and_the_other_goes_on() {
    let world = World::with_tenants(json!({"collections": ["customer", "supplier"]}), &[TENANT, OTHER]).await;
    world.fail([VismaError::RateLimited { stage: Stage::List, after: Some(Duration::from_secs(600)) }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (2, 2, 3));
}

#[tokio::test]
async fn a_silent_list_delays_no_other_and_is_continued_later() {
    let world = World::new(json!({"collections": ["customer", "supplier"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    world.fail([VismaError::Unavailable { stage: Stage::List, fault: Fault::Status(503), after: None }]);
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished), (1, 1));
    assert!(keys(&world).is_empty());
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
    let run = world.run_within(Duration::from_millis(60));
    let report = tokio::time::timeout(Duration::from_secs(30), run).await.unwrap();
    assert_eq!((report.finished, report.unfinished), (0, 1));
    assert!(report.silent.is_some(), "it does what follows the lists");
}
