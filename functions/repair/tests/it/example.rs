//! The example event of `infra/events`.

use crate::world::World;
use serde_json::Value;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_model::Work;
use webhooks_model::job::{Job, job_of};

const EVENT: &str = include_str!("../../../../infra/events/repair.json");

#[tokio::test]
async fn the_example_event_continues_the_job_that_it_names() {
    let world = World::new().await;
    let event: Value = serde_json::from_str(EVENT).unwrap();
    let id = job_of(event["Records"][0]["body"].as_str().unwrap()).expect("it names a job");
    let job = Job::new(id, Work::Release, 1, "op", "why", world.host.now());
    assert!(world.table.table.create(&job).await.unwrap());
    world.repair.batch(serde_json::from_str(EVENT).unwrap(), "r-1", Duration::from_secs(30)).await;
    assert_ne!(world.table.table.job(id).await.unwrap().unwrap().progress.revision, 0);
}

/// As on a new stack without jobs.
#[tokio::test]
async fn the_example_event_about_an_unknown_job_is_done() {
    let world = World::new().await;
    let response = world.repair.batch(serde_json::from_str(EVENT).unwrap(), "r-1", Duration::from_secs(30)).await;
    assert!(response.batch_item_failures.is_empty());
}
