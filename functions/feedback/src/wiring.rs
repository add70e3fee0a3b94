//! Connects the function to AWS and Visma Net.

use crate::feedback::Feedback;
use crate::ports::{Limits, Ports};
use time::Duration;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::SecretsManager;
use webhooks_store::{Observer, Table};
use webhooks_visma::VismaClient;
use webhooks_wiring::Environment;

/// AWS and Visma Net.
pub struct AwsPorts;

impl Ports for AwsPorts {
    type Source = SecretsManager;
    type Answers = Table;
    type Visma = VismaClient<SystemHost>;
    type Queue = Queue;
    type Pacer = Queue;
    type Host = SystemHost;
}

/// The function, configured by the environment.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn feedback() -> Result<Feedback<AwsPorts>, lambda_runtime::Error> {
    let environment = Environment::load()?;
    Ok(Feedback {
        settings: environment.settings()?,
        answers: environment.table()?,
        visma: VismaClient::new(SystemHost)?,
        queue: environment.queue("FEEDBACK_QUEUE_URL")?,
        rejected: environment.queue("FEEDBACK_DEAD_LETTER_QUEUE_URL")?,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Feedback, SystemHost),
        limits: Limits {
            retry_base: environment.retry_base()?,
            give_up_after: Duration::hours(environment.number("GIVE_UP_HOURS", 24)?.into()),
        },
        observer: Observer::default(),
    })
}

/// Reads the settings and opens connections, so that the first batch finds both.
pub async fn prepare(feedback: &Feedback<AwsPorts>) {
    webhooks_wiring::prepare(&feedback.settings, &feedback.answers, &feedback.queue, async |settings| {
        feedback.visma.connect(&[&settings.visma.connect_url, &settings.visma.erp_url]).await;
    })
    .await;
}
