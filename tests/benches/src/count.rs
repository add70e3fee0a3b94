//! Counts the cost of notifications, function by function.

use crate::batching::{Sends, sends};
use crate::pipeline::{Change, Pipeline};
use crate::scenario::{Scenario, Traffic};
use aws_fake::{Calls, Received, chunks};
use standin::STATUSES;
use std::ops::Sub;
use time::Duration;

/// Messages in one ReceiveMessage and in one DeleteMessageBatch.
const SQS_BATCH: usize = 10;

/// The calls of one function.
#[derive(Debug, Clone, Default)]
pub struct Share {
    pub calls: Calls,
    pub invocations: u64,
    pub log_bytes: u64,
    /// Its batched sends at realistic latencies. The real count depends on the load of this
    /// machine.
    pub sends: Option<Sends>,
    /// ReceiveMessage and DeleteMessageBatch of its event source mapping, as SQS bills them.
    pub polling: u64,
}

impl Share {
    /// Requests to SQS, as it bills them.
    pub fn sqs_chunks(&self, notifications: usize) -> f64 {
        self.sends.map_or(self.calls.sqs_chunks() as f64, |sends| sends.chunks * notifications as f64)
    }

    fn invoked(&mut self, taken: &[Received]) {
        self.invocations += 1;
        for ten in taken.chunks(SQS_BATCH) {
            self.polling += chunks(ten.iter().map(Received::bytes).sum()) + 1;
        }
    }
}

/// Calls to Visma Net.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VismaCalls {
    pub token: u64,
    pub resource: u64,
    pub feedback: u64,
}

impl Sub for VismaCalls {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            token: self.token - earlier.token,
            resource: self.resource - earlier.resource,
            feedback: self.feedback - earlier.feedback,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Count {
    pub notifications: usize,
    pub intake: Share,
    pub processor: Share,
    pub feedback: Share,
    pub visma: VismaCalls,
}

/// Warms the functions up, then sends notifications about as many resources through the pipeline,
/// and counts.
///
/// # Panics
/// Something failed.
pub async fn count(scenario: Scenario) -> Count {
    let pipeline = Pipeline::start(scenario.wanted).await;
    let [first, second, third] = STATUSES.map(|status| scenario.change(status));
    let notifications = scenario.traffic.notifications();
    run(&pipeline, scenario.traffic, first, vec![notifications]).await;
    let mut count = run(&pipeline, scenario.traffic, second, (0..notifications).collect()).await;
    if scenario.known {
        count = run(&pipeline, scenario.traffic, third, (0..notifications).collect()).await;
    }
    assert_eq!(pipeline.log.complaints().first(), None, "something went wrong");
    count.processor.sends = Some(sends(scenario.traffic.batch(), scenario.wanted));
    count
}

async fn run(pipeline: &Pipeline, traffic: Traffic, change: Change, numbers: Vec<usize>) -> Count {
    let mut count = Count { notifications: numbers.len(), ..Count::default() };
    pipeline.change(change, numbers.iter().copied()).await;
    let before = visma(pipeline, change).await;
    for numbers in numbers.chunks(traffic.batch()) {
        if traffic == Traffic::Sparse {
            pipeline.clock.advance(Duration::MINUTE);
        }
        batch(pipeline, numbers, change, &mut count).await;
    }
    count.visma = visma(pipeline, change).await - before;
    count
}

async fn batch(pipeline: &Pipeline, numbers: &[usize], change: Change, count: &mut Count) {
    let most = numbers.len();
    during(pipeline, &mut count.intake, pipeline.deliver(change, numbers.iter().copied())).await;
    count.intake.invocations += most as u64;
    let taken = during(pipeline, &mut count.processor, pipeline.process(most)).await;
    count.processor.invoked(&taken);
    if pipeline.endpoint.depth("feedback") > 0 {
        let taken = during(pipeline, &mut count.feedback, pipeline.answer(most)).await;
        count.feedback.invoked(&taken);
    }
    let left = ["notifications", "feedback"].map(|queue| pipeline.endpoint.depth(queue));
    assert_eq!(left, [0, 0], "messages were left over");
}

async fn during<T>(pipeline: &Pipeline, share: &mut Share, work: impl Future<Output = T>) -> T {
    let (calls, bytes) = (pipeline.endpoint.calls(), pipeline.log.bytes());
    let result = work.await;
    share.calls = std::mem::take(&mut share.calls) + &(pipeline.endpoint.calls() - &calls);
    share.log_bytes += pipeline.log.bytes() - bytes;
    result
}

async fn visma(pipeline: &Pipeline, change: Change) -> VismaCalls {
    let calls = pipeline.visma_calls().await;
    let resource = calls.of(change.subject.endpoint());
    VismaCalls { token: calls.of("token"), resource, feedback: calls.of("feedback") }
}
