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
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT]).await;
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0), "it was heard of just now");
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
async fn a_silence_does_not_end_because_it_goes_on() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    world.hear(OTHER, Origin::Webhook).await;
    for days in [2, 2, 3, 1, 1, 21] {
        world.host.advance(Duration::days(days));
        world.hear(OTHER, Origin::Webhook).await;
        assert_eq!(world.run().await.silent, Some(1), "{days} days later");
    }
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_tenant_that_was_never_heard_of_is_missed_as_well() {
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT]).await;
    for (hours, silent) in [(0, 0), (24, 0), (1, 1), (24 * 14, 1)] {
        world.host.advance(Duration::hours(hours));
        assert_eq!(world.run().await.silent, Some(silent), "{hours} hours later");
    }
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_silence_of_weeks_may_be_allowed() {
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24 * 20}), &[TENANT]).await;
    world.hear(TENANT, Origin::Webhook).await;
    for (days, silent) in [(12, 0), (8, 0), (1, 1)] {
        world.host.advance(Duration::days(days));
        assert_eq!(world.run().await.silent, Some(silent), "{days} days later");
    }
}

#[tokio::test]
async fn a_tenant_may_be_allowed_to_be_silent() {
    let quiet = |hours| json!([{"id": TENANT, "silence_hours": hours}, {"id": OTHER}]);
    let rules = json!({"collections": [], "silence_hours": 24});
    for (tenants, silent) in [(quiet(0), 1), (quiet(72), 1), (quiet(24), 2)] {
        let world = World::with_settings(rules.clone(), tenants).await;
        world.run().await;
        world.host.advance(Duration::hours(25));
        assert_eq!(world.run().await.silent, Some(silent));
    }
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 0}), &[TENANT]).await;
    world.run().await;
    world.host.advance(Duration::days(30));
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_run_for_one_tenant_says_nothing_about_silence() {
    assert_eq!(world().await.run_for(Some(TENANT)).await.silent, None);
}
