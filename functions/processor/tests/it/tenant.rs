//! The customer's tenant id instead of the company's: Visma Connect gives tokens, and the ERP
//! refuses each (docs/visma-net.md#tenant-ids).

use crate::world::{MAX_RECEIVE_COUNT, World, account};
use webhooks_visma::{Stage, VismaError};

fn refused() -> VismaError {
    VismaError::TokenRefused { stage: Stage::Resource, status: 401, after: None }
}

async fn details(world: &World) -> Vec<String> {
    let item = world.table.item("N#").await;
    let lines = item["attempts"].as_l().unwrap().iter();
    lines.map(|line| line.as_m().unwrap()["detail"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn one_refused_token_is_tried_again() {
    let world = World::new().await;
    world.erp.fail_fetches([refused()]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert_eq!(world.states().await, ["retrying: token_refused"]);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn a_customer_tenant_is_parked_with_these_words_and_can_be_replayed() {
    let world = World::new().await;
    world.erp.fail_fetches([refused(), VismaError::CompanyTenantNeeded { stage: Stage::Resource }]);
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(world.states().await, ["parked: company_tenant_needed"]);
    let told = details(&world).await;
    assert!(told[1].contains("customer tenant, not company tenant"), "{told:?}");
    assert!(world.batch(&message, 1).await.is_empty());
    assert_eq!(world.states().await, ["processed"]);
}

#[tokio::test]
async fn parks_a_notification_whose_token_every_attempt_was_refused() {
    let world = World::new().await;
    let message = [world.message(&account(1, "ACCOUNT_CHANGED", "1920"))];
    world.erp.fail_fetches(vec![refused(); MAX_RECEIVE_COUNT as usize]);
    for receive_count in 1..MAX_RECEIVE_COUNT {
        assert_eq!(world.batch(&message, receive_count).await, [0]);
    }
    assert!(world.batch(&message, MAX_RECEIVE_COUNT).await.is_empty());
    assert_eq!(world.states().await, ["parked: company_tenant_needed"]);
    assert!(details(&world).await.last().unwrap().contains("customer tenant, not company tenant"));
    assert!(world.feedback.sent().is_empty(), "nobody is told that it failed");
}
