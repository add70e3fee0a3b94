//! The real effects.

use crate::handler::Handler;
use crate::ports::{Limits, Ports};
use crate::processor::Processor;
use std::marker::PhantomData;
use std::time::Duration;
use webhooks_host::{SystemHost, Variables};
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::{Cache, SecretsManager};
use webhooks_store::Table;
use webhooks_visma::VismaClient;

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
    let variables = Variables::of_process();
    let aws = aws_config::load_from_env().await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let queue = |name| variables.text(name).map(|url| Queue::new(sqs.clone(), url));
    let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), variables.text("SETTINGS_SECRET_ID")?);
    let retention = time::Duration::days(variables.number("RETENTION_DAYS", 90)?.into());
    Ok(Processor {
        settings: Cache::new(secrets, SystemHost),
        ledger: Table::new(aws_sdk_dynamodb::Client::new(&aws), variables.text("TABLE_NAME")?, retention),
        visma: VismaClient::new(SystemHost)?,
        events: queue("EVENTS_QUEUE_URL")?,
        feedback: queue("FEEDBACK_QUEUE_URL")?,
        notifications: queue("NOTIFICATIONS_QUEUE_URL")?,
        handler,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Processor, SystemHost),
        limits: Limits {
            max_receive_count: variables.number("MAX_RECEIVE_COUNT", 12)?,
            retry_base: Duration::from_secs(variables.number("RETRY_BASE_SECONDS", 30)?.into()),
        },
    })
}
