//! The real effects.

use crate::handler::Handler;
use crate::ports::{Limits, Ports};
use crate::processor::Processor;
use std::marker::PhantomData;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::SecretsManager;
use webhooks_store::Table;
use webhooks_visma::VismaClient;
use webhooks_wiring::Surroundings;

/// AWS and Visma Net, with business code of one's own.
pub struct Real<B>(PhantomData<B>);

impl<B: Handler + 'static> Ports for Real<B> {
    type Source = SecretsManager;
    type Ledger = Table;
    type Visma = VismaClient<SystemHost>;
    type Queue = Queue;
    type Pacer = Queue;
    type Handler = B;
    type Host = SystemHost;
}

/// A processor as the environment describes it.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub async fn processor<B: Handler + 'static>(handler: B) -> Result<Processor<Real<B>>, lambda_runtime::Error> {
    let surroundings = Surroundings::load().await;
    Ok(Processor {
        settings: surroundings.settings()?,
        ledger: surroundings.table()?,
        visma: VismaClient::new(SystemHost)?,
        events: surroundings.queue("EVENTS_QUEUE_URL")?,
        feedback: surroundings.queue("FEEDBACK_QUEUE_URL")?,
        notifications: surroundings.queue("NOTIFICATIONS_QUEUE_URL")?,
        handler,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Processor, SystemHost),
        limits: Limits {
            max_receive_count: surroundings.number("MAX_RECEIVE_COUNT", 12)?,
            retry_base: surroundings.retry_base()?,
        },
    })
}
