//! The event of `infra/events`, after the processor has ended its notification.

use crate::world::World;
use serde_json::Value;
use webhooks_host::Host;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Delivery, Notification, State};
use webhooks_settings::Settings;
use webhooks_store::{Answering, Change, Entry};

const EVENT: &str = include_str!("../../../../infra/events/feedback.json");
const PROCESSED: &str = include_str!("../../../../infra/events/processor.json");
const SETTINGS: &str = include_str!("../../../../infra/local/settings.json");

/// The notification in the processor's event.
fn notification() -> Notification {
    let event: Value = serde_json::from_str(PROCESSED).unwrap();
    let delivery = Delivery::from_message(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    let settings = Settings::parse(&SETTINGS.replace("{standin}", "http://127.0.0.1:8099")).unwrap();
    Notification::read(&delivery, delivery.items().unwrap()[0], &settings)
}

#[tokio::test]
async fn the_example_event_answers_the_notification_of_the_processors_event() {
    let (world, n) = (World::new().await, notification());
    let verdict = Some(Verdict::success("Done."));
    let answer =
        Answering { feedback: FeedbackState::Queued, address: Address::of(&n, false), verdict, deadline: None };
    let change = Change::Ended { state: State::Processed, answer };
    world.table.table.record(&Entry { notification: &n, change, now: world.host.now() }).await.unwrap();
    assert!(world.event(EVENT).await.is_empty());
    let told: Vec<_> = world.erp.feedback().into_iter().map(|feedback| (feedback.tenant, feedback.id)).collect();
    assert_eq!(told, [(n.tenant.unwrap(), n.id_in_body.unwrap().uuid().unwrap())]);
}
