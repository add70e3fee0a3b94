//! Connects the function to AWS.

use crate::intake::{DEFAULT_MAX_BODY_BYTES, Intake, Limits};
use lambda_http::Error;
use std::time::Duration;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::SecretsManager;
use webhooks_wiring::{Environment, prepared};

/// Intake on AWS.
pub type AwsIntake = Intake<SecretsManager, Queue, SystemHost>;

/// If a connection died while the function was frozen, only one attempt fails and not the whole
/// answer.
const ATTEMPT: Duration = Duration::from_millis(1200);

/// The function, configured by the environment.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn intake() -> Result<AwsIntake, Error> {
    let limits = Limits::default();
    let environment = Environment::load_within(ATTEMPT, limits.send_within)?;
    let max_body_bytes = environment.number("MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES)? as usize;
    Ok(Intake::new(
        environment.settings()?,
        environment.queue("NOTIFICATIONS_QUEUE_URL")?,
        SystemHost,
        Metrics::to_stdout(Service::Intake, SystemHost),
        Limits { max_body_bytes, ..limits },
    ))
}

/// Reads the settings and opens connections, so that the first request finds both.
pub async fn prepare(intake: &AwsIntake) {
    tokio::join!(prepared("the settings", intake.settings.get()), prepared("the queue", intake.queue.connect()),);
}
