//! Notifications that wait for their tenant's quota.

use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::Duration;
use webhooks_model::{Allowance, Origin};
use webhooks_store::Change;

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

#[tokio::test]
async fn what_waits_continues_at_the_pace_of_its_tenants_quota() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT, OTHER]).await;
    for key in 1..=5 {
        let n = world.accepted(TENANT, &key.to_string(), Origin::Webhook);
        world.record(&n, Change::RateLimited { attempt: None, waits_here: true }).await;
    }
    let (tenant, resets_at) = (TENANT.to_owned(), world.now());
    let allowance = Allowance { tenant, limit: Some(10), calls_each: 1, resets_at, released_to: None };
    world.table.table.used_up(&allowance, world.now()).await.unwrap();
    world.host.advance(Duration::minutes(18));
    assert_eq!(world.run_for(Some(OTHER)).await.released, 0);
    for (minutes, released) in [(0, 3), (0, 0), (6, 1)] {
        world.host.advance(Duration::minutes(minutes));
        assert_eq!(world.run().await.released, released, "one in six minutes");
    }
    assert_eq!(world.queue.sent().len(), 4);
}
