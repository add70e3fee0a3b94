//! The example event of `infra/events`.

use crate::world::World;
use serde_json::json;

const EVENT: &str = include_str!("../../../../infra/events/operations.json");

#[tokio::test]
async fn the_example_event_lists_the_notifications_of_a_tenant() {
    let answer = World::new().await.event(EVENT).await;
    assert_eq!((answer.status.as_u16(), &answer.body["items"]), (200, &json!([])), "{}", answer.text);
}

#[tokio::test]
async fn the_example_event_without_its_role_is_refused() {
    let answer = World::new().await.event(&EVENT.replace("visma-webhooks/read", "openid")).await;
    assert_eq!(answer.problem(), (403, "forbidden"));
}
