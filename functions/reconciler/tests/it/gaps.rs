use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use webhooks_model::collection::Collection;
use webhooks_model::notification::Proof;
use webhooks_model::{Entity, Kind, Origin};

#[tokio::test]
async fn a_change_that_never_arrived_is_queued_once_and_not_again_when_it_is_processed() {
    let world = World::new(json!({"collections": ["customer", "account"]})).await;
    world.change(TENANT, Collection::Customer, "10001", 30);
    let report = world.run().await;
    assert_eq!(report.gaps_found.get(&Collection::Customer), Some(&1));
    assert_eq!((report.finished, report.unfinished), (2, 0));
    let counted = ["GapsFound", "ListsSwept", "ListsUnfinished"].map(|name| world.emitted.count(name));
    assert_eq!(counted, [1, 2, 0]);
    let n = &world.queued()[0];
    assert_eq!((n.entity, n.kind, n.entity_key.as_deref()), (Entity::Customer, Kind::Changed, Some("10001")));
    assert_eq!((n.origin, n.proof, n.tenant.as_deref()), (Origin::Reconciliation, Proof::Signed, Some(TENANT)));
    assert_eq!(n.path.as_ref().unwrap().to_string(), "v1/customer/10001");
    assert_eq!(world.queue.sent()[0].trace_id.as_deref(), Some(fixtures::TRACE_ID), "the run's own trace goes on");
    assert!(n.id_in_body.is_none() && n.id_in_header.is_none(), "there is nobody to give feedback to");

    world.process(n).await;
    world.host.advance(time::Duration::minutes(8));
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
    world.host.advance(time::Duration::minutes(8));
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
    world.host.advance(time::Duration::minutes(1));
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
    world.host.advance(time::Duration::minutes(5));
    assert_eq!(world.run().await.gaps_found.get(&Collection::Supplier), Some(&1));
}

#[tokio::test]
async fn the_first_sweep_reaches_back_a_day_and_no_further() {
    let world = World::new(json!({"collections": ["supplier"]})).await;
    world.change(TENANT, Collection::Supplier, "old", 25 * 60);
    world.change(TENANT, Collection::Supplier, "new", 23 * 60);
    world.run().await;
    assert_eq!(world.queued().iter().map(|n| n.entity_key.clone().unwrap()).collect::<Vec<_>>(), ["new"]);
}
