use crate::cost::fill;
use crate::world::World;
use fixtures::{FakeErp, FakeQueue, TENANT, document, sqs_event, to_come_again};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use webhooks_model::collection::Collection;

#[tokio::test]
async fn one_sweep_finds_50_lost_webhooks_among_5000_changes() {
    let world = World::new(json!({"collections": ["customer"]})).await;
    let keys: Vec<String> = (0..5000).map(|n| format!("C{n:04}")).collect();
    let (lost, arrived): (Vec<String>, Vec<String>) = keys.iter().cloned().partition(|key| key.ends_with("42"));
    fill(&world, &arrived).await;
    world.host.advance(time::Duration::minutes(6));
    world.change_all(Collection::Customer, &keys, 6);

    let (report, cost) = world.run_counted().await;
    assert_eq!(report.gaps_found.get(&Collection::Customer), Some(&50));
    assert_eq!((report.finished, report.unfinished), (1, 0));
    assert!(report.calls <= 62, "almost a hundred to a page: {}", report.calls);
    // The roll-up reads each notification of the feed once; here all share one place in the feed.
    assert!(cost.rows < 5_400 && cost.requests < 175, "{cost:?}");
    let found: HashSet<String> = world.queued().into_iter().map(|n| n.entity_key.unwrap()).collect();
    assert_eq!(found, lost.iter().cloned().collect());

    let erp = FakeErp::default();
    for n in world.queued() {
        let modified = n.occurred_at.unwrap().get();
        erp.put(&n.path.unwrap().to_string(), &json!({"lastModifiedDateTime": modified}).to_string());
    }
    let processor = world.processor(document(), &erp, &FakeQueue::default());
    let messages: Vec<String> = world.queue.sent().into_iter().map(|sent| sent.body).collect();
    for batch in messages.chunks(10) {
        let response = processor.batch(sqs_event(batch, 1), "r-2", Duration::from_secs(60)).await;
        assert!(to_come_again(&response).is_empty());
    }
    assert_eq!(erp.fetched().len(), 50, "{TENANT}");
    assert!(world.feedback.sent().is_empty(), "there is nobody to tell");
    world.host.advance(time::Duration::minutes(1));
    assert!(world.run().await.gaps_found.is_empty());
}
