//! The real effects.

use crate::feedback::Feedback;
use crate::ports::{Limits, Ports};
use std::time::Duration;
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
    type Answers = Table;
    type Visma = VismaClient<SystemHost>;
    type Queue = Queue;
    type Pacer = Queue;
    type Host = SystemHost;
}

/// The function as the environment describes it.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub async fn feedback() -> Result<Feedback<Real>, lambda_runtime::Error> {
    let variables = Variables::of_process();
    let aws = aws_config::load_from_env().await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let queue = |name| variables.text(name).map(|url| Queue::new(sqs.clone(), url));
    let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), variables.text("SETTINGS_SECRET_ID")?);
    let retention = time::Duration::days(variables.number("RETENTION_DAYS", 90)?.into());
    Ok(Feedback {
        settings: Cache::new(secrets, SystemHost),
        answers: Table::new(aws_sdk_dynamodb::Client::new(&aws), variables.text("TABLE_NAME")?, retention),
        visma: VismaClient::new(SystemHost)?,
        queue: queue("FEEDBACK_QUEUE_URL")?,
        rejected: queue("FEEDBACK_DEAD_LETTER_QUEUE_URL")?,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Feedback, SystemHost),
        limits: Limits {
            retry_base: Duration::from_secs(variables.number("RETRY_BASE_SECONDS", 30)?.into()),
            give_up_after: time::Duration::hours(variables.number("GIVE_UP_HOURS", 24)?.into()),
        },
    })
}
