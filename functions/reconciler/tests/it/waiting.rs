//! Notifications that wait for their tenant's quota.

use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::Duration;
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackState, Verdict};
use webhooks_model::{Allowance, Notification, Origin};
use webhooks_store::{Answering, Answers, Change, Mark, WaitForCalls};

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

fn allowance(world: &World) -> Allowance {
    Allowance { tenant: TENANT.to_owned(), limit: Some(10), calls_each: 1, resets_at: world.now(), released_to: None }
}

#[tokio::test]
async fn a_tenant_for_which_nothing_waits_is_given_no_quota() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT, OTHER]).await;
    world.table.table.used_up(&allowance(&world), world.now()).await.unwrap();
    world.host.advance(Duration::minutes(18));
    assert_eq!(world.run().await.released, 0);
    assert_eq!(world.table.table.allowances().await.unwrap().remove(0).released_to, None);
}

/// A notification that has ended, and whose feedback waits.
async fn told_later(world: &World, key: &str) -> Notification {
    let n = world.accepted(TENANT, key, Origin::Webhook);
    let (feedback, verdict) = (FeedbackState::Queued, Verdict::success("Done."));
    let answer = Answering { feedback, address: Address::default(), verdict: Some(verdict.clone()), deadline: None };
    world.end(&n, answer).await;
    let (since, allowance) = (n.received_at, allowance(world));
    let wait = WaitForCalls { read: feedback, verdict, since, attempt: None, allowance };
    assert!(world.table.table.wait_for_calls(&n.ledger_key(), &wait, world.now()).await.unwrap());
    n
}

#[tokio::test]
async fn feedback_that_waits_continues_with_the_notifications_oldest_first() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT, OTHER]).await;
    let first = told_later(&world, "1").await;
    world.host.advance(Duration::minutes(1));
    let n = world.accepted(TENANT, "2", Origin::Webhook);
    world.record(&n, Change::RateLimited { attempt: None, waits_here: true }).await;
    world.host.advance(Duration::minutes(1));
    let last = told_later(&world, "3").await;
    for (minutes, told, queued) in [(7, 1, 0), (6, 1, 1), (6, 2, 1), (6, 2, 1)] {
        world.host.advance(Duration::minutes(minutes));
        let report = world.run().await;
        assert_eq!((world.feedback.sent().len(), world.queue.sent().len()), (told, queued));
        assert_eq!(report.requeued.feedback, 0, "it was not lost");
    }
    let told = |sent: fixtures::Sent| FeedbackMessage::parse(&sent.body).unwrap().notification().clone();
    let told: Vec<_> = world.feedback.sent().into_iter().map(told).collect();
    assert_eq!(told, [first.ledger_key(), last.ledger_key()]);
    assert_eq!(world.table.needing_attention(Mark::Queued.as_str()).await, 2, "watched, in case a message is lost");
}

#[tokio::test]
async fn a_wait_of_feedback_that_was_answered_meanwhile_ends_without_a_message() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT, OTHER]).await;
    told_later(&world, "1").await;
    world.table.overwrite("N#", "feedback", "sent").await;
    world.host.advance(Duration::HOUR);
    world.run().await;
    assert!(world.feedback.sent().is_empty());
    assert_eq!(world.table.needing_attention(&Mark::LimitedFeedback.value(TENANT)).await, 0);
}
