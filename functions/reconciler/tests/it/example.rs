//! The event of `infra/events`: the notification of a schedule without an input of its own.

use crate::world::World;
use serde_json::{Value, json};

const EVENT: &str = include_str!("../../../../infra/events/reconciler.json");

#[tokio::test]
async fn the_example_event_is_for_all_tenants() {
    let event: Value = serde_json::from_str(EVENT).unwrap();
    assert_eq!(event["source"], "aws.scheduler");
    let world = World::with_tenants(json!({}), &["tenant-1", "tenant-2"]).await;
    assert_eq!(world.run_for(event["tenant"].as_str()).await.tenants, 2);
}
