//! The event of `infra/events`, under the settings of the local stack.

use crate::support::World;
use lambda_http::http::StatusCode;
use serde_json::Value;

const EVENT: &str = include_str!("../../../../infra/events/intake.json");
const SETTINGS: &str = include_str!("../../../../infra/local/settings.json");

fn world() -> World {
    World::with(&serde_json::from_str(&SETTINGS.replace("{standin}", "http://127.0.0.1:8099")).unwrap())
}

#[tokio::test]
async fn the_example_event_is_accepted_under_the_settings_of_the_local_stack() {
    let world = world();
    let answer = world.handle(EVENT).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let (event, delivery) = (serde_json::from_str::<Value>(EVENT).unwrap(), world.queue.delivery());
    assert_eq!(event["body"].as_str().unwrap().as_bytes(), delivery.body);
    assert_eq!(delivery.meta.subscription, "local-erp");
}

#[tokio::test]
async fn the_example_event_with_another_body_is_refused() {
    world().handle(EVENT.replace("account/1002", "account/1003")).await.is_problem(401, "signature_mismatch");
}
