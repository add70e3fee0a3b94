//! The function with its AWS clients.

use crate::ports::{Lane, Ports};
use crate::repair::Repair;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_model::QueueName;
use webhooks_queue::Queue;
use webhooks_store::Table;
use webhooks_wiring::{Surroundings, prepared};

/// The effects on AWS.
pub struct Real;

impl Ports for Real {
    type Store = Table;
    type Queue = Queue;
    type Host = SystemHost;
}

/// Builds the function from its environment variables.
///
/// # Errors
/// A variable is missing or wrong; the error names it.
pub fn repair() -> Result<Repair<Real>, lambda_runtime::Error> {
    let surroundings = Surroundings::load()?;
    let source = |name| match name {
        QueueName::Notifications => "NOTIFICATIONS_QUEUE_URL",
        QueueName::Feedback => "FEEDBACK_QUEUE_URL",
        QueueName::Events => "EVENTS_QUEUE_URL",
        QueueName::Repairs => "REPAIRS_QUEUE_URL",
    };
    let mut lanes = vec![];
    for (name, dead) in surroundings.dead_letters()? {
        lanes.push(Lane { name, source: surroundings.queue(source(name))?, dead });
    }
    Ok(Repair {
        lanes,
        store: surroundings.table()?,
        notifications: surroundings.queue("NOTIFICATIONS_QUEUE_URL")?,
        repairs: surroundings.queue("REPAIRS_QUEUE_URL")?,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Repair, SystemHost),
    })
}

/// Opens connections before the first batch.
pub async fn prepare(repair: &Repair<Real>) {
    let (table, queue) = (repair.store.connect(), repair.repairs.connect());
    tokio::join!(prepared("the table", table), prepared("the queue", queue));
}
