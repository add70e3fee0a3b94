pub(crate) use fixtures::order;
use fixtures::{FakeQueue, TENANT, TestHost, TestTable, sqs_event, to_come_again};
use repair::{Ports, QueuePair, Repair};
use std::cell::Cell;
use std::time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::filter::Filter;
use webhooks_model::job::message;
use webhooks_model::job::{Job, Status};
use webhooks_model::{Delivery, Notification, QueueName, State, Work};
use webhooks_store::{Answering, Change, Dynamo, Entry};

pub(crate) struct Fakes;

impl Ports for Fakes {
    type Items = Dynamo;
    type Queue = FakeQueue;
    type Host = TestHost;
}

pub(crate) struct World {
    pub(crate) table: TestTable,
    pub(crate) host: TestHost,
    pub(crate) notifications: FakeQueue,
    pub(crate) repairs: FakeQueue,
    pub(crate) queue_pairs: Vec<(QueueName, FakeQueue, FakeQueue)>,
    pub(crate) emitted: Emitted,
    pub(crate) repair: Repair<Fakes>,
    slices: Cell<usize>,
}

/// No job of these tests has as many slices, so a job that reaches this number never ends.
const MOST_SLICES: usize = 100;
pub(crate) const JOB: Uuid = Uuid::from_u128(42);

impl World {
    pub(crate) async fn new() -> Self {
        let (table, host, emitted) = (TestTable::new().await, TestHost::default(), Emitted::default());
        let (notifications, repairs) = (FakeQueue::default(), FakeQueue::default());
        let queue_pairs: Vec<_> =
            QueueName::ALL.into_iter().map(|name| (name, FakeQueue::default(), FakeQueue::default())).collect();
        let queue_pair = |(name, source, dead): &(QueueName, FakeQueue, FakeQueue)| QueuePair {
            name: *name,
            source: source.clone(),
            dead: dead.clone(),
        };
        let repair = Repair {
            queue_pairs: queue_pairs.iter().map(queue_pair).collect(),
            store: table.table.clone(),
            notifications: notifications.clone(),
            repairs: repairs.clone(),
            longest_timeout: time::Duration::minutes(5),
            host: host.clone(),
            metrics: Metrics::new(Service::Repair, host.clone(), emitted.clone()),
        };
        Self { table, host, notifications, repairs, queue_pairs, emitted, repair, slices: Cell::new(0) }
    }

    /// Notifications `1..=count`, each a minute after the one before, ended as `change` says.
    pub(crate) async fn recorded(&self, count: u128, change: impl Fn() -> Change) {
        for number in 1..=count {
            let now = self.host.now();
            let n =
                Notification { received_at: now - time::Duration::minutes(60 - number as i64), ..order(number, now) };
            self.table.table.record(&Entry { notification: &n, change: change(), now }).await.unwrap();
        }
    }

    pub(crate) async fn job(&self, states: &[State], rate: u32) -> Job {
        let (from, to) = (self.host.now() - time::Duration::days(2), self.host.now());
        let filter =
            Filter { tenant: Some(TENANT.into()), states: states.to_vec(), entity: None, event: None, from, to };
        self.begin(filter, rate).await
    }

    pub(crate) async fn begin(&self, work: impl Into<Work>, rate: u32) -> Job {
        let job = Job::new(JOB, work, rate, "op", "after the outage", self.host.now());
        assert!(self.table.table.create(&job).await.unwrap());
        job
    }

    /// Delivers the job's message when the job is due. Returns whether the message comes again.
    pub(crate) async fn slice(&self, receive_count: u32) -> bool {
        self.slices.set(self.slices.get() + 1);
        assert!(self.slices.get() < MOST_SLICES, "the job does not end");
        if let Some(job) = self.table.table.job(JOB).await.unwrap() {
            self.host.advance((job.progress.due_at - self.host.now()).max(time::Duration::ZERO));
        }
        self.handed_out(receive_count).await
    }

    /// The same without waiting.
    pub(crate) async fn handed_out(&self, receive_count: u32) -> bool {
        let response =
            self.repair.batch(sqs_event(&[message(JOB)], receive_count), "r-1", Duration::from_secs(30)).await;
        !to_come_again(&response).is_empty()
    }

    pub(crate) async fn progress(&self) -> (Status, u64, u64) {
        let progress = self.table.table.job(JOB).await.unwrap().unwrap().progress;
        (progress.status, progress.done, progress.skipped)
    }

    pub(crate) fn replays(&self) -> Vec<Delivery> {
        self.notifications.sent().iter().map(|sent| Delivery::from_message(&sent.body).unwrap()).collect()
    }
}

pub(crate) fn processed() -> Change {
    Change::Ended { state: State::Processed, answer: Answering::none() }
}
