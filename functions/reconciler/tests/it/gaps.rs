//! Changes whose webhook never arrived: single ones, a few among many, and those of an upgrade of
//! the ERP, which gives every row the same time.

use crate::cost::{fill, fill_as};
use crate::world::World;
use fixtures::{FakeErp, FakeQueue, TENANT, document, sqs_event, to_come_again};
use serde_json::json;
use std::collections::HashSet;
use time::Duration;
use webhooks_model::collection::Collection;
use webhooks_model::notification::Proof;
use webhooks_model::{Entity, Kind, Origin, Revision};
use webhooks_telemetry::{Captured, subscriber_for_tests};

const CUSTOMER: Collection = Collection::Customer;
const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

#[tokio::test]
async fn a_change_that_never_arrived_is_queued_once_and_not_again_when_it_is_processed() {
    let world = World::new(json!({"collections": ["customer", "account"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    let report = world.run().await;
    assert_eq!(report.gaps_found.get(&Collection::Customer), Some(&1));
    assert_eq!((report.finished, report.unfinished), (2, 0));
    let counted = ["GapsFound", "ListsSwept", "ListsUnfinished"].map(|name| world.emitted.count(name));
    assert_eq!(counted, [1, 2, 0]);
    assert!(report.unreadable.is_empty() && report.mass_changes.is_empty(), "{report:?}");
    let n = &world.queued()[0];
    assert_eq!((n.entity, n.kind, n.entity_key.as_deref()), (Entity::Customer, Kind::Changed, Some("10001")));
    assert_eq!((n.origin, n.proof, n.tenant.as_deref()), (Origin::Reconciliation, Proof::Signed, Some(TENANT)));
    assert_eq!(n.path.as_ref().unwrap().to_string(), "v1/customer/10001");
    assert_eq!(world.queue.sent()[0].trace_id.as_deref(), Some(fixtures::TRACE_ID), "the run's own trace goes on");
    assert!(n.id_in_body.is_none() && n.id_in_header.is_none(), "there is nobody to give feedback to");

    world.process(n).await;
    world.host.advance(Duration::minutes(8));
    assert!(world.run().await.gaps_found.is_empty());
}

#[tokio::test]
async fn an_arrived_change_is_no_gap() {
    let world = World::new(json!({"collections": ["sales_order"]})).await;
    world.change(TENANT, Collection::SalesOrder, "SO/1", 30);
    world.change(TENANT, Collection::SalesOrder, "SO/2", 30);
    world.run().await;
    for n in world.queued() {
        world.process(&n).await;
    }
    world.host.advance(Duration::minutes(8));
    world.change(TENANT, Collection::SalesOrder, "SO/2", 6);
    let report = world.run().await;
    assert_eq!(report.gaps_found.get(&Collection::SalesOrder), Some(&1), "the newer change only");
    assert_eq!(world.queued().last().unwrap().entity_key.as_deref(), Some("SO/2"));
}

#[tokio::test]
async fn finding_the_same_change_twice_makes_the_same_notification() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 6);
    world.run().await;
    world.host.advance(Duration::minutes(1));
    world.run().await;
    let queued = world.queued();
    assert_eq!(queued.len(), 2);
    assert_eq!(queued[0].ledger_key(), queued[1].ledger_key());
}

#[tokio::test]
async fn a_webhook_still_on_its_way_is_left_to_the_next_sweep_and_not_forgotten() {
    let world = World::new(json!({"collections": ["supplier"]})).await;
    world.change(TENANT, Collection::Supplier, "50001", 2);
    assert!(world.run().await.gaps_found.is_empty());
    world.host.advance(Duration::minutes(5));
    assert_eq!(world.run().await.gaps_found.get(&Collection::Supplier), Some(&1));
}

#[tokio::test]
async fn a_change_from_the_future_is_a_warning_that_names_the_setting() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = World::new(json!({"collections": ["customer"]})).await;
    world.change(TENANT, CUSTOMER, "10001", -15);
    world.run().await;
    let lines = captured.lines();
    let line = lines.iter().find(|line| line["minutes_ahead"] == 15).unwrap();
    assert_eq!(line["message"], "changes from the future: visma.erp_time_zone is wrong, see visma-webhooks doctor");
    assert_eq!(["tenant", "collection"].map(|name| line[name].as_str().unwrap()), [TENANT, "customer"]);
}

#[tokio::test]
async fn the_first_sweep_reaches_back_a_day_and_no_further() {
    let world = World::new(json!({"collections": ["supplier"]})).await;
    world.change(TENANT, Collection::Supplier, "old", 25 * 60);
    world.change(TENANT, Collection::Supplier, "new", 23 * 60);
    world.run().await;
    assert_eq!(world.queued().iter().map(|n| n.entity_key.clone().unwrap()).collect::<Vec<_>>(), ["new"]);
}

#[tokio::test]
async fn one_sweep_finds_50_lost_webhooks_among_5000_changes() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    let keys: Vec<String> = (0..5000).map(|n| format!("C{n:04}")).collect();
    let (lost, arrived): (Vec<String>, Vec<String>) = keys.iter().cloned().partition(|key| key.ends_with("42"));
    fill(&world, &arrived).await;
    world.host.advance(Duration::minutes(6));
    world.change_all(Collection::Customer, &keys, 6);

    let (report, cost) = world.run_counted().await;
    assert_eq!(report.gaps_found.get(&Collection::Customer), Some(&50));
    assert_eq!((report.finished, report.unfinished), (1, 0));
    assert!(report.calls <= 62, "almost a hundred to a page: {}", report.calls);
    // The roll-up reads each notification of the feed once; here all share one place in the feed.
    assert!(cost.rows < 5_400 && cost.requests < 175, "{cost:?}");
    let found: HashSet<String> = world.queued().into_iter().map(|n| n.entity_key.unwrap()).collect();
    assert_eq!(found, lost.iter().cloned().collect());

    let erp = FakeErp::default();
    for n in world.queued() {
        let modified = n.occurred_at.unwrap().get();
        erp.put(&n.path.unwrap().to_string(), &json!({"lastModifiedDateTime": modified}).to_string());
    }
    let processor = world.processor(document(), &erp, &FakeQueue::default());
    let messages: Vec<String> = world.queue.sent().into_iter().map(|sent| sent.body).collect();
    for batch in messages.chunks(10) {
        let response = processor.batch(sqs_event(batch, 1), "r-2", std::time::Duration::from_secs(60)).await;
        assert!(to_come_again(&response).is_empty());
    }
    assert_eq!(erp.fetched().len(), 50, "{TENANT}");
    assert!(world.feedback.sent().is_empty(), "there is nobody to tell");
    world.host.advance(Duration::minutes(1));
    assert!(world.run().await.gaps_found.is_empty());
}

fn revision() -> Revision {
    Revision { etag: Some("etag".into()), content: Some("content".into()) }
}

/// All customers get the same time and then show this. Their heads are three months old and of
/// [`revision`].
async fn touched(rules: serde_json::Value, count: usize, etag: &str, content: &str) -> World {
    let world = World::with_tenants(rules, &[TENANT, OTHER]).await;
    let keys: Vec<String> = (0..count).map(|n| format!("{n:05}")).collect();
    fill_as(&world, &keys, revision()).await;
    world.host.advance(Duration::days(60));
    touch(&world, &keys, etag, content);
    world
}

fn touch(world: &World, keys: &[String], etag: &str, content: &str) {
    world.change_all(CUSTOMER, keys, 30);
    let stamp = world.now() - Duration::minutes(30);
    world.rows(CUSTOMER, |rows| {
        for row in rows {
            (row.modified, row.etag, row.content) = (Some(stamp), Some(etag.to_owned()), content.to_owned());
        }
    });
}

#[tokio::test]
async fn rows_with_only_a_new_time_cost_no_event_and_are_reported_as_a_mass_change() {
    for (etag, content) in [("etag", "other"), ("other", "content")] {
        let captured = Captured::default();
        let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
        let world = touched(json!({"collections": ["customer"]}), 1500, etag, content).await;
        world.lists.0.lock().unwrap().quotas = [(TENANT.to_owned(), 500), (OTHER.to_owned(), 500)].into();
        for n in 0..5 {
            world.change(OTHER, CUSTOMER, &n.to_string(), 30);
        }
        let report = world.run().await;
        assert_eq!((report.finished, report.unfinished), (2, 0));
        assert_eq!(world.queue.sent().len(), 5, "those of the other tenant");
        assert_eq!((report.gaps_found[&CUSTOMER], report.mass_changes[&CUSTOMER]), (5, 1));
        assert_eq!(["GapsFound", "MassChanges"].map(|name| world.emitted.count(name)), [5, 1]);
        assert!(captured.text().contains("mass change"), "{}", captured.text());
        world.host.advance(Duration::minutes(15));
        assert!(world.run().await.mass_changes.is_empty(), "it ends by itself");
    }
}

#[tokio::test]
async fn a_few_rows_with_only_a_new_time_are_no_mass_change() {
    let world = touched(json!({"collections": ["customer"]}), 49, "etag", "content").await;
    let report = world.run().await;
    assert!(report.mass_changes.is_empty() && report.gaps_found.is_empty(), "{report:?}");
}

#[tokio::test]
async fn a_mass_change_uses_half_of_the_quota_and_starves_no_tenant() {
    let world = touched(json!({"collections": ["customer", "supplier"]}), 400, "other", "other").await;
    for (run, left) in [200_u64, 150, 100].into_iter().enumerate() {
        world.lists.0.lock().unwrap().quotas = [(TENANT.to_owned(), left), (OTHER.to_owned(), 1000)].into();
        // After the end of the former run, so that no change is at the edge of what that run saw.
        world.change(TENANT, Collection::Supplier, &run.to_string(), 10);
        world.change(OTHER, CUSTOMER, &run.to_string(), 10);
        let before = world.queue.sent().len();
        let report = world.run().await;
        let queued = world.queued().split_off(before);
        let own = queued.iter().filter(|n| n.tenant.as_deref() == Some(TENANT)).count() as u64;
        assert!(own > left / 8 && own <= left / 2, "{own} of {left}");
        assert_eq!(report.mass_changes[&CUSTOMER], 1);
        assert_eq!(report.gaps_found[&CUSTOMER], 1, "the other tenant's");
        assert_eq!(report.gaps_found[&Collection::Supplier], 1, "the same tenant's other list");
        for n in &queued {
            world.process(n).await;
        }
        world.host.advance(Duration::minutes(15));
    }
    world.lists.0.lock().unwrap().quotas.clear();
    world.run().await;
    assert!(world.rows(CUSTOMER, |rows| rows.len()) <= world.queue.sent().len());
}
