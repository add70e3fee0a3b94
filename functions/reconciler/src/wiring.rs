//! The real effects.

use crate::ports::Ports;
use crate::reconciler::Reconciler;
use webhooks_host::{SystemHost, Variables};
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::{Cache, SecretsManager};
use webhooks_store::Table;
use webhooks_visma::VismaClient;

/// AWS and Visma Net.
pub struct Real;

impl Ports for Real {
    type Source = SecretsManager;
    type Sweeps = Table;
    type Listing = VismaClient<SystemHost>;
    type Queue = Queue;
    type Host = SystemHost;
}

/// The function as the environment describes it.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub async fn reconciler() -> Result<Reconciler<Real>, lambda_runtime::Error> {
    let variables = Variables::of_process();
    let aws = aws_config::load_from_env().await;
    let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), variables.text("SETTINGS_SECRET_ID")?);
    let retention = time::Duration::days(variables.number("RETENTION_DAYS", 90)?.into());
    Ok(Reconciler {
        settings: Cache::new(secrets, SystemHost),
        sweeps: Table::new(aws_sdk_dynamodb::Client::new(&aws), variables.text("TABLE_NAME")?, retention),
        listing: VismaClient::new(SystemHost)?,
        queue: Queue::new(aws_sdk_sqs::Client::new(&aws), variables.text("NOTIFICATIONS_QUEUE_URL")?),
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Reconciler, SystemHost),
    })
}
