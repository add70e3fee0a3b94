//! The event of `infra/events`, under the settings of the local stack.

use crate::world::World;
use serde_json::Value;
use webhooks_model::Delivery;

const EVENT: &str = include_str!("../../../../infra/events/processor.json");
const ACCEPTED: &str = include_str!("../../../../infra/events/intake.json");
const SETTINGS: &str = include_str!("../../../../infra/local/settings.json");

#[tokio::test]
async fn the_example_event_is_processed_under_the_settings_of_the_local_stack() {
    let world = World::new().await;
    let settings = SETTINGS.replace("{standin}", "http://127.0.0.1:8099");
    world.settings.put(serde_json::from_str(&settings).unwrap());
    assert!(world.event(EVENT).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[test]
fn the_example_event_holds_the_delivery_that_the_one_of_intake_is_about() {
    let read = |event| serde_json::from_str::<Value>(event).unwrap();
    let (event, accepted) = (read(EVENT), read(ACCEPTED));
    let delivery = Delivery::from_message(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(delivery.body, accepted["body"].as_str().unwrap().as_bytes());
    for (name, value) in &delivery.meta.headers {
        assert_eq!(accepted["headers"][name], *value, "{name}");
    }
}
