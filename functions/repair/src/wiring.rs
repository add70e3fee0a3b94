//! The function with its AWS clients.

use crate::ports::{Ports, QueuePair};
use crate::repair::Repair;
use time::Duration;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_model::QueueName;
use webhooks_queue::Queue;
use webhooks_store::Dynamo;
use webhooks_wiring::{Environment, prepared};

/// The longest time-outs that the template allows, in seconds.
const LONGEST_OF_WORKERS: u32 = 120;
const LONGEST_OF_RECONCILER: u32 = 300;

/// The effects on AWS.
pub struct AwsPorts;

impl Ports for AwsPorts {
    type Items = Dynamo;
    type Queue = Queue;
    type Host = SystemHost;
}

/// Builds the function from its environment variables.
///
/// # Errors
/// A variable is missing or wrong; the error names it.
pub fn repair() -> Result<Repair<AwsPorts>, lambda_runtime::Error> {
    let environment = Environment::load()?;
    let source = |name| match name {
        QueueName::Notifications => "NOTIFICATIONS_QUEUE_URL",
        QueueName::Feedback => "FEEDBACK_QUEUE_URL",
        QueueName::Events => "EVENTS_QUEUE_URL",
        QueueName::Repairs => "REPAIRS_QUEUE_URL",
    };
    let workers = environment.number("WORKER_TIMEOUT_SECONDS", LONGEST_OF_WORKERS)?;
    let reconciler = environment.number("RECONCILER_TIMEOUT_SECONDS", LONGEST_OF_RECONCILER)?;
    let mut queue_pairs = vec![];
    for (name, dead) in environment.dead_letters()? {
        queue_pairs.push(QueuePair { name, source: environment.queue(source(name))?, dead });
    }
    Ok(Repair {
        queue_pairs,
        store: environment.table()?,
        notifications: environment.queue("NOTIFICATIONS_QUEUE_URL")?,
        repairs: environment.queue("REPAIRS_QUEUE_URL")?,
        longest_timeout: Duration::seconds(workers.max(reconciler).into()),
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Repair, SystemHost),
    })
}

/// Opens connections before the first batch.
pub async fn prepare(repair: &Repair<AwsPorts>) {
    let (table, queue) = (repair.store.connect(), repair.repairs.connect());
    tokio::join!(prepared("the table", table), prepared("the queue", queue));
}
