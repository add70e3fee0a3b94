//! Lists with cut or refused pages, and with rows that move while they are read.

use crate::world::{Row, World};
use fixtures::TENANT;
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashSet;
use time::Duration;
use webhooks_model::collection::Collection;
use webhooks_visma::{Stage, VismaError};

const CUSTOMER: Collection = Collection::Customer;

async fn world_of(collection: &str, changed: usize, max_calls: u32) -> World {
    let world = World::new(json!({"collections": [collection], "max_calls": max_calls})).await;
    let keys: Vec<String> = (0..changed).map(|n| format!("{n:04}")).collect();
    let collection = serde_json::from_value(json!(collection)).unwrap();
    world.change_all(collection, &keys, 30);
    world
}

fn found(world: &World) -> HashSet<String> {
    world.queued().into_iter().map(|n| n.entity_key.unwrap()).collect()
}

/// A row that changed just now.
fn fresh(world: &World, key: &str) -> Row {
    Row { key: key.into(), modified: Some(world.now()), content: format!("new {key}"), etag: Some("new".into()) }
}

async fn run_to_the_end(world: &World) {
    for _ in 0..200 {
        world.host.advance(Duration::minutes(15));
        if world.run().await.unfinished == 0 {
            return;
        }
    }
    panic!("the sweep does not end");
}

#[tokio::test]
async fn pages_that_are_cut_are_read_to_the_end() {
    for collection in [Collection::SalesOrder, CUSTOMER] {
        let world = World::new(json!({"collections": [collection]})).await;
        let keys: Vec<String> = (0..130).map(|n| format!("SO/{n}")).collect();
        world.change_all(collection, &keys, 30);
        world.lists.0.lock().unwrap().largest = Some(50);
        let report = world.run().await;
        assert_eq!((report.finished, found(&world).len()), (1, 130), "{collection}");
        assert_eq!(report.gaps_found[&collection], 130, "each once");
    }
}

#[tokio::test]
async fn a_refused_page_size_is_reported_and_stays_smaller() {
    let captured = webhooks_telemetry::Captured::default();
    let _default = tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(captured.clone()));
    let world = world_of("customer", 130, 100).await;
    {
        let mut lists = world.lists.0.lock().unwrap();
        (lists.largest, lists.refuses) = (Some(50), true);
    }
    let report = world.run().await;
    assert_eq!((report.finished, found(&world).len()), (1, 130));
    assert!(captured.text().contains("the parameter pageSize is refused (400), at most 50 is taken"));
    world.host.advance(Duration::minutes(60));
    assert_eq!(world.run().await.calls, 1, "it is not asked for too much again");
}

#[tokio::test]
async fn a_page_that_is_refused_without_a_usable_size_is_halved_down_to_one_row() {
    let refused = |most| VismaError::ParameterRefused { stage: Stage::List, parameter: "pageSize", most };
    let world = world_of("customer", 5, 100).await;
    world.fail([None, Some(0), Some(500)].map(refused));
    let report = world.run().await;
    assert_eq!((report.finished, report.calls, found(&world).len()), (1, 4, 5));
    let kept = world.table.table.watermark(TENANT, CUSTOMER).await.unwrap().unwrap();
    assert_eq!(kept.page_size, Some(12), "a hundred, halved three times");
    world.host.advance(Duration::minutes(15));
    world.fail([None; 4].map(refused));
    let report = world.run().await;
    assert_eq!((report.finished, report.unfinished, report.calls), (0, 1, 4), "12, 6, 3, 1");
}

#[tokio::test]
async fn a_row_that_leaves_or_comes_between_two_runs_hides_no_other() {
    for deed in ["delete", "touch", "insert"] {
        let world = world_of("customer", 250, 1).await;
        world.lists.0.lock().unwrap().by_key = deed == "insert";
        world.run().await;
        world.host.advance(Duration::minutes(15));
        let new = fresh(&world, "0003a");
        world.rows(CUSTOMER, |rows| match deed {
            "delete" => rows.retain(|row| row.key != "0249"),
            "touch" => rows.iter_mut().filter(|row| row.key == "0249").for_each(|row| row.modified = new.modified),
            _ => rows.push(new),
        });
        run_to_the_end(&world).await;
        run_to_the_end(&world).await;
        let existing: HashSet<String> = world.rows(CUSTOMER, |rows| rows.iter().map(|row| row.key.clone()).collect());
        let found = found(&world);
        assert!(existing.is_subset(&found), "{deed}: {:?}", existing.difference(&found));
    }
}

#[derive(Debug, Clone)]
enum Deed {
    Delete(usize),
    Touch(usize),
    Insert(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        any::<usize>().prop_map(Deed::Delete),
        any::<usize>().prop_map(Deed::Touch),
        any::<u16>().prop_map(Deed::Insert)
    ]
}

fn suffer(world: &World, deed: &Deed) {
    let now = world.now();
    world.rows(CUSTOMER, |rows| match deed {
        Deed::Delete(at) if !rows.is_empty() => drop(rows.remove(at % rows.len())),
        Deed::Touch(at) if !rows.is_empty() => {
            let at = at % rows.len();
            rows[at].modified = Some(now);
            rows[at].etag = Some(format!("touched {now}"));
            rows[at].content = format!("touched {now}");
        }
        Deed::Insert(key) => rows.push(fresh(world, &format!("{key}-new"))),
        _ => {}
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_moves_all_that_exists_is_found(
        changed in 0..260_usize,
        by_key: bool,
        largest in prop_oneof![Just(None), (20..90_usize).prop_map(Some)],
        runs in prop::collection::vec(prop::collection::vec(deed(), 0..4), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = world_of("customer", changed, 1).await;
            {
                let mut lists = world.lists.0.lock().unwrap();
                (lists.by_key, lists.largest) = (by_key, largest);
            }
            for deeds in &runs {
                world.run().await;
                world.host.advance(Duration::minutes(15));
                deeds.iter().for_each(|deed| suffer(&world, deed));
            }
            run_to_the_end(&world).await;
            run_to_the_end(&world).await;
            let existing: HashSet<String> = world.rows(CUSTOMER, |rows| rows.iter().map(|row| row.key.clone()).collect());
            let found = found(&world);
            let missed: Vec<_> = existing.difference(&found).collect();
            assert!(missed.is_empty(), "{missed:?}");
        });
    }
}

#[tokio::test]
async fn a_list_without_pages_that_came_without_all_rows_is_reported_and_swept() {
    let captured = webhooks_telemetry::Captured::default();
    let _default = tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(captured.clone()));
    let (accounts, world) = (Collection::Account, world_of("account", 3, 100).await);
    assert!(world.run().await.unreadable.is_empty(), "all that it counts came");
    world.host.advance(Duration::minutes(60));
    world.change_all(accounts, &["1", "2", "3"].map(str::to_owned), 30);
    world.lists.0.lock().unwrap().largest = Some(2);
    let report = world.run().await;
    assert_eq!((report.finished, report.gaps_found[&accounts], report.unreadable[&accounts]), (1, 2, 1));
    assert!(captured.lines().iter().any(|line| line["absent"] == 1), "{}", captured.text());
}

#[tokio::test]
async fn rows_without_a_time_are_counted_and_delay_nothing() {
    let captured = webhooks_telemetry::Captured::default();
    let _default = tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(captured.clone()));
    let world = world_of("customer", 1, 100).await;
    world.rows(CUSTOMER, |rows| {
        let timeless = |key: &str| Row { key: key.into(), modified: None, content: String::new(), etag: None };
        rows.extend([timeless("canary-1"), timeless("canary-2")]);
    });
    let report = world.run().await;
    assert_eq!((report.finished, report.gaps_found[&CUSTOMER], report.unreadable[&CUSTOMER]), (1, 1, 2));
    assert_eq!(world.emitted.count("RowsUnreadable"), 2);
    assert!(captured.text().contains("rows that cannot be read"), "{}", captured.text());
    assert!(!captured.text().contains("canary"), "{}", captured.text());
    assert_eq!(found(&world).len(), 1, "{TENANT}");
}
