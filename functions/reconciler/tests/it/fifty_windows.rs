//! A mass update of fifty times a tenant's hourly quota. All of it gets through at the pace of the
//! quota.

use crate::world::{Downstream, World};
use fixtures::{FakeErp, FakeQueue, TENANT, document, sqs_event, to_come_again};
use processor::Processor;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use webhooks_model::{Delivery, Origin};
use webhooks_visma::{Fault, Stage, VismaError};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";
const CALLS_AN_HOUR: u64 = 10;
const MASS: usize = 50 * CALLS_AN_HOUR as usize;
const FEW: usize = 10;
/// The schedule of the template.
const EVERY: Duration = Duration::minutes(15);

/// A message in SQS.
struct Lying {
    body: String,
    receive_count: u32,
    visible_at: OffsetDateTime,
}

struct Pipeline {
    world: World,
    processor: Processor<Downstream>,
    hidden: FakeQueue,
    lying: Vec<Lying>,
    taken: usize,
    receipts: usize,
}

impl Pipeline {
    async fn new() -> Self {
        let world = World::with_tenants(json!({"collections": []}), &[TENANT, OTHER]).await;
        let (erp, hidden) = (FakeErp::default(), FakeQueue::default());
        erp.allow(CALLS_AN_HOUR, &world.host);
        let mut settings = document();
        settings["routes"] = json!([{"events": "*", "feedback": "none"}]);
        let processor = world.processor(settings, &erp, &hidden);
        Self { world, processor, hidden, lying: vec![], taken: 0, receipts: 0 }
    }

    /// A customer of the tenant changes, and intake accepts its webhook.
    fn accept(&mut self, tenant: &str, key: &str) {
        let body = json!({"event": "CUSTOMER_CHANGED", "entityId": key}).to_string();
        let meta = self.world.meta(tenant, Origin::Webhook);
        let delivery = Delivery { meta, body: body.into_bytes() };
        self.lie(delivery.to_message());
    }

    fn lie(&mut self, body: String) {
        self.lying.push(Lying { body, receive_count: 0, visible_at: self.world.now() });
    }

    /// Delivers visible messages until none is left.
    async fn drain(&mut self) {
        loop {
            let now = self.world.now();
            let (visible, rest): (Vec<_>, Vec<_>) = self.lying.drain(..).partition(|one| one.visible_at <= now);
            self.lying = rest;
            if visible.is_empty() {
                return;
            }
            for mut one in visible {
                one.receive_count += 1;
                self.receipts += 1;
                assert!(one.receive_count <= 12, "SQS would move it to the dead-letter queue");
                let before = self.hidden.hidden().len();
                let event = sqs_event(std::slice::from_ref(&one.body), one.receive_count);
                let response = self.processor.batch(event, "r-1", std::time::Duration::from_secs(60)).await;
                if !to_come_again(&response).is_empty() {
                    one.visible_at = now + self.hidden.hidden()[before].1;
                    self.lying.push(one);
                }
            }
        }
    }

    /// Runs the reconciler and takes what it queues.
    async fn reconcile(&mut self) {
        self.world.host.advance(EVERY);
        self.drain().await;
        self.world.run().await;
        let sent = self.world.queue.sent();
        let fresh: Vec<String> = sent[self.taken..].iter().map(|sent| sent.body.clone()).collect();
        self.taken = sent.len();
        fresh.into_iter().for_each(|body| self.lie(body));
        self.drain().await;
    }

    async fn ended(&self, tenant: &str, state: &str) -> usize {
        let items = self.world.table.items().await;
        let text = |name: &str, item: &std::collections::HashMap<String, _>| {
            let value: Option<&aws_sdk_dynamodb::types::AttributeValue> = item.get(name);
            value.and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
        };
        items.iter().filter(|item| text("pk", item).starts_with(tenant) && text("state", item) == state).count()
    }
}

#[tokio::test]
async fn fifty_times_the_hourly_quota_ends_on_time_without_a_dead_notification() {
    let mut pipeline = Pipeline::new().await;
    (0..MASS).for_each(|key| pipeline.accept(TENANT, &key.to_string()));
    (0..FEW).for_each(|key| pipeline.accept(OTHER, &key.to_string()));
    pipeline.drain().await;
    assert_eq!(pipeline.ended(OTHER, "processed").await, FEW, "another tenant is not later");
    let waiting = pipeline.world.table.needing_attention(&format!("rate_limited#{TENANT}")).await;
    let begun = pipeline.world.now();
    let allowance = pipeline.world.table.table.allowances().await.unwrap().remove(0);
    let told = allowance.done_at(waiting as u64, begun) - begun;

    let mut runs = 0;
    while pipeline.world.table.needing_attention(&format!("rate_limited#{TENANT}")).await > 0 {
        pipeline.reconcile().await;
        runs += 1;
        assert!(runs < 250, "it never ends");
    }
    let took = pipeline.world.now() - begun;
    println!(
        "{MASS} notifications, {CALLS_AN_HOUR} calls an hour: took {} h, told {} h; {} receipts",
        took.whole_hours(),
        told.whole_hours(),
        pipeline.receipts
    );
    assert_eq!(pipeline.ended(TENANT, "processed").await, MASS);
    assert_eq!(pipeline.ended(TENANT, "dead").await, 0);
    let is_as_told = (took - told).abs() < told / 10;
    assert!(is_as_told, "{took} and not {told}");
    assert!(pipeline.receipts < 3 * MASS, "few are let go in vain: {} receipts", pipeline.receipts);
}

#[tokio::test]
async fn no_notification_dies_in_a_rate_limited_burst_with_every_fifth_call_failing() {
    let mut pipeline = Pipeline::new().await;
    let failure = VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Status(500), after: None };
    pipeline.processor.visma.fail_every(5, failure);
    let burst = 10 * CALLS_AN_HOUR as usize;
    (0..burst).for_each(|key| pipeline.accept(TENANT, &key.to_string()));
    (0..FEW).for_each(|key| pipeline.accept(OTHER, &key.to_string()));
    pipeline.drain().await;
    for _ in 0..4 {
        pipeline.reconcile().await;
    }
    assert_eq!(pipeline.ended(OTHER, "processed").await, FEW, "another tenant does not wait for these");
    let mut runs = 4;
    while pipeline.ended(TENANT, "processed").await < burst {
        pipeline.reconcile().await;
        runs += 1;
        assert!(runs < 200, "it never ends");
    }
    assert_eq!(pipeline.ended(TENANT, "dead").await, 0);
}
