use crate::world::{World, ours};
use webhooks_model::OpenQuestion;
use webhooks_model::feedback::FeedbackState;
use webhooks_store::{Observation, Observations};
use webhooks_visma::VismaError;

async fn observed(world: &World, question: OpenQuestion) -> Vec<Observation> {
    let all = world.table.table.observed().await.unwrap();
    all.into_iter().filter(|one| one.fact.question == question).collect()
}

#[tokio::test]
async fn records_the_accepted_id_and_source() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees, id.notifications), ("the body's", true, 1));
    let source = observed(&world, OpenQuestion::FeedbackSource).await.remove(0);
    assert_eq!((source.fact.value.as_str(), source.agrees), ("as it came: User", true));
}

#[tokio::test]
async fn a_feedback_that_is_taken_under_the_second_id_contradicts_the_setting() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([Some(VismaError::Refused { status: 404 })]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees), ("the header's", false));
}

#[tokio::test]
async fn a_feedback_that_is_refused_under_both_ids_contradicts() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.erp.fail_feedback([Some(VismaError::Refused { status: 404 }), Some(VismaError::Refused { status: 404 })]);
    world.batch(&[ours(&key)], 1).await;
    let id = observed(&world, OpenQuestion::FeedbackId).await.remove(0);
    assert_eq!((id.fact.value.as_str(), id.agrees), ("none of those that came", false));
    assert_eq!(observed(&world, OpenQuestion::FeedbackSource).await, []);
}
