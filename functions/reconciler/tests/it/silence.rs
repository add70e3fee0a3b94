use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::Duration;
use webhooks_model::Origin;

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn world() -> World {
    World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT, OTHER]).await
}

#[tokio::test]
async fn a_tenant_that_used_to_be_heard_of_is_missed() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0), "one was heard of just now, the other never");
    world.host.advance(Duration::hours(25));
    assert_eq!(world.run().await.silent, Some(1));
    assert_eq!(world.emitted.values("SilentTenants"), [0, 1]);
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn what_we_found_ourselves_does_not_break_the_silence() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    world.host.advance(Duration::hours(25));
    world.hear(TENANT, Origin::Reconciliation).await;
    assert_eq!(world.run().await.silent, Some(1));
}

#[tokio::test]
async fn a_tenant_silent_for_a_week_is_not_expected_any_more() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    world.host.advance(Duration::days(9));
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_run_for_one_tenant_says_nothing_about_silence() {
    assert_eq!(world().await.run_for(Some(TENANT)).await.silent, None);
}
