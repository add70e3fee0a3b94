//! An upgrade of the ERP gives every row the same time.

use crate::cost::fill_as;
use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::Duration;
use webhooks_model::Revision;
use webhooks_model::collection::Collection;
use webhooks_telemetry::{Captured, subscriber_for_tests};

const CUSTOMER: Collection = Collection::Customer;
const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

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
