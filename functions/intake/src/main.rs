//! The Lambda function: wires [`Intake`] to AWS.

use aws_config::timeout::TimeoutConfig;
use intake::{Config, Intake, Limits, without_url_parts};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Error, lambda_runtime, service_fn};
use std::convert::Infallible;
use std::time::Duration;
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::{Cache, SecretsManager};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init();
    let config = Config::from_environment().inspect_err(|error| tracing::error!("{error}"))?;
    // A connection that died while the function was frozen costs one attempt, not the whole answer.
    let attempt = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(1200));
    let timeouts = attempt.operation_timeout(Duration::from_millis(2500)).build();
    let aws = aws_config::from_env().timeout_config(timeouts).load().await;
    let source = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), config.settings_secret_id);
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), config.queue_url);
    let limits = Limits { max_body_bytes: config.max_body_bytes, ..Limits::default() };
    let metrics = Metrics::to_stdout(Service::Intake, SystemHost);
    let intake = Intake::new(Cache::new(source, SystemHost), queue, SystemHost, metrics, limits);
    intake.warm_up().await;
    let service = service_fn(|request| async { Ok::<_, Infallible>(intake.handle(request).await) });
    lambda_runtime::run(Adapter::from(service).map_request(without_url_parts)).await
}
