//! The directory of tenants that a run writes for functions that may not read the settings.

use crate::world::World;
use fixtures::TENANT;
use serde_json::{Value, json};
use time::Duration;
use webhooks_model::Origin;
use webhooks_store::KnownTenant;

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn tenants() -> Value {
    json!([{"id": TENANT.to_uppercase(), "name": "Ål & Sønn", "company_id": "1234567"}, {"id": OTHER, "silence_hours": 0}])
}

async fn world(tenants: Value) -> World {
    World::with_settings(json!({"collections": [], "silence_hours": 24}), tenants).await
}

async fn directory(world: &World) -> Vec<KnownTenant> {
    world.table.table.directory(world.now()).await.unwrap()
}

#[tokio::test]
async fn writes_each_tenant_with_its_name_and_last_webhook() {
    let world = world(tenants()).await;
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    let named = KnownTenant {
        id: TENANT.into(),
        name: Some("Ål & Sønn".into()),
        company_id: Some("1234567".into()),
        heard_at: Some(world.now()),
        is_silent: false,
    };
    let bare = KnownTenant { id: OTHER.into(), name: None, company_id: None, heard_at: None, is_silent: false };
    assert_eq!(directory(&world).await, [named.clone(), bare]);

    world.host.advance(Duration::hours(25));
    world.run().await;
    assert_eq!(directory(&world).await[0], KnownTenant { is_silent: true, ..named });
}

#[tokio::test]
async fn a_tenant_with_unlimited_silence_has_its_last_webhook_too() {
    let world = world(tenants()).await;
    world.hear(OTHER, Origin::Webhook).await;
    world.run().await;
    let heard_at = Some(world.now());
    world.host.advance(Duration::days(20));
    world.run().await;
    assert_eq!(directory(&world).await[1].heard_at, heard_at, "it is not looked for, and not forgotten");
}

#[tokio::test]
async fn a_run_that_learns_nothing_new_reads_the_directory_and_writes_nothing() {
    let world = world(tenants()).await;
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    let before = directory(&world).await;
    world.host.advance(Duration::minutes(30));
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    assert_eq!(directory(&world).await, before, "half an hour is no news");
    world.host.advance(Duration::minutes(31));
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    assert_eq!(directory(&world).await[0].heard_at, Some(world.now()));
}

#[tokio::test]
async fn accepts_a_tenant_twice_in_the_settings() {
    let world = world(json!([{"id": TENANT, "name": "First"}, {"id": TENANT, "name": "Second"}])).await;
    world.run().await;
    let names: Vec<_> = directory(&world).await.into_iter().map(|one| one.name).collect();
    assert_eq!(names, [Some("First".to_owned())]);
}

#[tokio::test]
async fn a_run_for_one_tenant_leaves_the_directory_alone() {
    let world = world(tenants()).await;
    world.run_for(Some(TENANT)).await;
    assert!(directory(&world).await.is_empty());
}
