//! Counts the cost of notifications, function by function, in each scenario.

use crate::batching::{Sends, sends};
use crate::pipeline::{Bodies, Change, Pipeline, Subject, Wanted};
use aws_fake::{Calls, Received, chunks};
use standin::STATUSES;
use std::fmt;
use std::ops::Sub;
use time::Duration;

/// Messages in one ReceiveMessage and in one DeleteMessageBatch.
const SQS_BATCH: usize = 10;
/// The template's default.
const SHIPPED_BATCH: usize = 10;

/// How the notifications arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// One a minute, each in its own batch: short-lived caches have expired.
    Sparse,
    /// This many per batch, at the same moment.
    Busy(usize),
}

impl Traffic {
    pub const ALL: [Self; 3] = [Self::Sparse, Self::Busy(10), Self::Busy(100)];

    pub fn batch(self) -> usize {
        match self {
            Self::Sparse => 1,
            Self::Busy(batch) => batch,
        }
    }

    /// How many notifications are counted: several batches if they are small, and enough minutes
    /// that every cache except the token's expires.
    pub fn notifications(self) -> usize {
        match self {
            Self::Sparse => 20,
            Self::Busy(batch) => batch.max(20),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    pub traffic: Traffic,
    pub wanted: Wanted,
    pub subject: Subject,
    /// Whether the entities are already known.
    pub known: bool,
    pub bodies: Bodies,
}

impl Scenario {
    /// The scenarios with this traffic: every kind for the template's batches, otherwise the
    /// cheapest and the most expensive.
    pub fn of(traffic: Traffic) -> Vec<Self> {
        let of = |fetch, feedback| {
            let wanted = Wanted { fetch, feedback };
            Self { traffic, wanted, subject: Subject::Account, known: true, bodies: Bodies::Padded }
        };
        let (least, most) = (of(false, false), of(true, true));
        if traffic.batch() != SHIPPED_BATCH {
            return vec![least, most];
        }
        let new = Self { known: false, ..most };
        [least, of(false, true), of(true, false), most, new].into_iter().chain(Self::usual()).collect()
    }

    /// The usual notifications of a busy hour, with feedback, and with or without fetching.
    pub fn usual() -> impl Iterator<Item = Self> {
        let (traffic, bodies) = (Traffic::Busy(SHIPPED_BATCH), Bodies::Bare);
        [Subject::Account, Subject::PurchaseOrder].into_iter().flat_map(move |subject| {
            let wanted = |fetch| Wanted { fetch, feedback: true };
            [true, false].map(|fetch| Self { traffic, wanted: wanted(fetch), subject, known: true, bodies })
        })
    }

    pub fn change(self, status: &'static str) -> Change {
        Change { subject: self.subject, status, bodies: self.bodies }
    }

    pub fn all() -> Vec<Self> {
        Traffic::ALL.into_iter().flat_map(Self::of).collect()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.traffic {
            Traffic::Sparse => f.write_str("sparse")?,
            Traffic::Busy(batch) => write!(f, "batches of {batch}")?,
        }
        let Wanted { fetch, feedback } = self.wanted;
        let parts = [
            (fetch, "fetch"),
            (feedback, "feedback"),
            (self.subject == Subject::PurchaseOrder, "documents"),
            (!self.known, "new accounts"),
            (self.bodies == Bodies::Bare, "short bodies"),
        ];
        parts.into_iter().filter(|(holds, _)| *holds).try_for_each(|(_, part)| write!(f, ", {part}"))
    }
}

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
