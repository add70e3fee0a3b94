//! Counts the processor's requests to SQS when concurrent sends share a request. That depends on
//! timing. So this runs on simulated time, with assumed latencies, and each run gives the same
//! result.

use crate::bill::{Assumptions, Waits};
use crate::bodies;
use crate::functions::{self, all_done};
use crate::pipeline::Wanted;
use crate::still::{StillErp, StillItems, StillSource};
use aws_fake::chunks;
use fastrand::Rng;
use fixtures::{TestHost, sqs_event};
use processor::{Acknowledge, Processor};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Builder;
use webhooks_metrics::{Metrics, Service};
use webhooks_model::ResourcePath;
use webhooks_queue::{BatchSender, BatchingSender, Message, Pacer, QueueError, QueuedMessage, Sender};
use webhooks_settings::{Cache, Visma as VismaSettings};
use webhooks_store::{BatchPage, Item, Items, Query, QueryPage, StoreError, Table, Write};
use webhooks_visma::{Feedback, Fetched, Quota, Quotas, Visma, VismaError};

/// The number of notifications for the mean.
const NOTIFICATIONS: usize = 400;
/// The length of each body, in bytes.
const LENGTH: usize = 768;

/// The sends to SQS for one notification.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sends {
    pub requests: f64,
    /// Counted as SQS bills them.
    pub chunks: f64,
}

/// The mean over many batches of this size.
///
/// # Panics
/// The processor does not finish a batch.
pub fn sends(batch: usize, wanted: Wanted) -> Sends {
    // Its own runtime, with a simulated clock.
    let counted = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(batch, wanted))
    });
    counted.join().expect("the processor ends every batch")
}

async fn run(batch: usize, wanted: Wanted) -> Sends {
    let far = Far::new();
    let processor = processor(&far, wanted);
    for first in (0..NOTIFICATIONS).step_by(batch) {
        let messages: Vec<String> =
            (first..first + batch).map(|account| bodies::message(1000 + account, LENGTH)).collect();
        all_done(&processor.batch(sqs_event(&messages, 1), "request", Duration::from_secs(60)).await);
    }
    let sent = far.0.lock().expect("nothing panics while it is held").sent;
    let each = |sum: u64| sum as f64 / NOTIFICATIONS as f64;
    Sends { requests: each(sent.0), chunks: each(sent.1) }
}

/// AWS and Visma Net with simulated latency.
#[derive(Clone)]
struct Far(Arc<Mutex<Route>>);

struct Route {
    rng: Rng,
    round_trips: Waits,
    /// Requests to SQS, and billed chunks.
    sent: (u64, u64),
}

impl Far {
    fn new() -> Self {
        let round_trips = Assumptions::read().round_trip_milliseconds;
        Self(Arc::new(Mutex::new(Route { rng: Rng::with_seed(1), round_trips, sent: (0, 0) })))
    }

    /// Waits between half and one and a half times the mean.
    async fn answer(&self, of: fn(Waits) -> f64) {
        let milliseconds = {
            let mut route = self.0.lock().expect("nothing panics while it is held");
            of(route.round_trips) * (0.5 + route.rng.f64())
        };
        tokio::time::sleep(Duration::from_secs_f64(milliseconds / 1e3)).await;
    }
}

impl BatchSender for Far {
    async fn send_all(&self, messages: Vec<QueuedMessage>) -> Vec<Result<(), QueueError>> {
        {
            let mut route = self.0.lock().expect("nothing panics while it is held");
            let bytes = messages.iter().map(|message| message.body.len()).sum();
            route.sent = (route.sent.0 + 1, route.sent.1 + chunks(bytes));
        }
        self.answer(|waits| waits.sqs).await;
        messages.iter().map(|_| Ok(())).collect()
    }
}

impl Sender for Far {
    async fn send(&self, _: Message<'_>) -> Result<(), QueueError> {
        self.answer(|waits| waits.sqs).await;
        Ok(())
    }
}

impl Pacer for Far {
    async fn hide(&self, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl Items for Far {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.answer(|waits| waits.dynamodb).await;
        StillItems.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.answer(|waits| waits.dynamodb).await;
        StillItems.get(pk, sk).await
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        self.answer(|waits| waits.dynamodb).await;
        StillItems.get_batch(keys, attributes, consistent).await
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        self.answer(|waits| waits.dynamodb).await;
        StillItems.query_page(query).await
    }
}

struct FarErp(Far, StillErp);

impl Visma for FarErp {
    async fn fetch(&self, visma: &VismaSettings, tenant: &str, path: &ResourcePath) -> Result<Fetched, VismaError> {
        self.0.answer(|waits| waits.visma_net).await;
        self.1.fetch(visma, tenant, path).await
    }

    async fn send_feedback(&self, visma: &VismaSettings, tenant: &str, told: &Feedback<'_>) -> Result<(), VismaError> {
        self.0.answer(|waits| waits.visma_net).await;
        self.1.send_feedback(visma, tenant, told).await
    }
}

impl Quotas for FarErp {
    fn quota_left(&self, _: &str) -> Option<Quota> {
        None
    }
}

struct AtADistance;

impl processor::Ports for AtADistance {
    type Source = StillSource;
    type Items = Far;
    type Visma = FarErp;
    type Queue = BatchingSender<Far>;
    type Pacer = Far;
    type Handler = Acknowledge;
    type Host = TestHost;
}

fn processor(far: &Far, wanted: Wanted) -> Processor<AtADistance> {
    let host = TestHost::default();
    let mut settings = bodies::settings();
    let feedback = if wanted.feedback { "automatic" } else { "none" };
    settings["routes"] = json!([{ "events": "*", "fetch": wanted.fetch, "feedback": feedback }]);
    let settings = Cache::new(StillSource(settings.to_string()), host.clone());
    let ledger = Table::over(far.clone(), time::Duration::days(90));
    let visma = FarErp(far.clone(), StillErp(bodies::ACCOUNT.to_owned()));
    let metrics = Metrics::new(Service::Processor, host.clone(), io::sink());
    functions::processor(settings, ledger, visma, [far.clone(), far.clone(), far.clone()], metrics, &host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_repeatable() {
        let wanted = Wanted { fetch: true, feedback: true };
        assert_eq!(sends(10, wanted), sends(10, wanted));
    }

    #[test]
    fn a_single_message_is_one_request() {
        assert_eq!(sends(1, Wanted { fetch: false, feedback: false }).requests, 1.0);
        assert_eq!(sends(1, Wanted { fetch: false, feedback: true }).requests, 2.0);
    }
}
