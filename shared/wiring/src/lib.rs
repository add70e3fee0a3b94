#![doc = include_str!("../README.md")]

mod aws;
#[cfg(test)]
mod build_flags;
mod crypto;
mod https;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use std::fmt::Display;
use std::time::Duration;
use tokio::time::timeout;
use webhooks_host::{SystemHost, VariableError, Variables};
use webhooks_model::QueueName;
use webhooks_queue::Queue;
use webhooks_settings::{Cache, SecretsManager, Settings};
use webhooks_store::Table;

/// Lambda allows ten seconds for a start. After that it starts the function anew, in the time of the
/// first invocation, which a short time-out ends before any work is done.
const LONGEST_PREPARATION: Duration = Duration::from_secs(4);

/// Does work before the first invocation, so that the invocation finds it done. Logs a failure: the
/// code that needs the result tries again.
pub async fn prepared<T, E: Display>(what: &'static str, work: impl Future<Output = Result<T, E>>) -> Option<T> {
    let Ok(done) = timeout(LONGEST_PREPARATION, work).await else {
        tracing::warn!("{what} not ready at start: no answer in time");
        return None;
    };
    let told = |error: &E| tracing::warn!(error = %error, "{what} not ready at start: {error}");
    done.inspect_err(told).ok()
}

/// Prepares what every worker needs before its first invocation: the settings and open connections.
/// `then` uses the settings.
pub async fn prepare(
    settings: &Cache<SecretsManager, SystemHost>,
    table: &Table,
    queue: &Queue,
    then: impl AsyncFnOnce(&Settings),
) {
    let settings = async {
        if let Some(settings) = prepared("the settings", settings.get()).await {
            then(&settings).await;
        }
    };
    tokio::join!(settings, prepared("the table", table.connect()), prepared("the queue", queue.connect()));
}

/// The SDK repeats no reading: many processes that start while Secrets Manager refuses must not each
/// ask it three times. [`SecretsManager`] repeats one whose connection broke, and the cache retries
/// failures at its own rate.
fn secrets_manager(aws: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(aws).retry_config(RetryConfig::disabled());
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// The clients and settings that the environment describes.
pub struct Environment {
    variables: Variables<fn(&'static str) -> Option<String>>,
    aws: SdkConfig,
    sqs: aws_sdk_sqs::Client,
}

impl Environment {
    /// # Errors
    /// `AWS_REGION` is not set.
    pub fn load() -> Result<Self, VariableError> {
        Self::load_within(Duration::from_secs(3), Duration::from_secs(10))
    }

    /// For a function whose caller must not wait long. `attempt` limits one AWS call, `operation`
    /// limits it with all its retries.
    ///
    /// # Errors
    /// `AWS_REGION` is not set.
    pub fn load_within(attempt: Duration, operation: Duration) -> Result<Self, VariableError> {
        let variables = Variables::of_process();
        let aws = aws::config(&variables, attempt, operation)?;
        Ok(Self { variables, sqs: aws_sdk_sqs::Client::new(&aws), aws })
    }

    /// The settings document that `SETTINGS_SECRET_ID` names.
    ///
    /// # Errors
    /// The variable is not set.
    pub fn settings(&self) -> Result<Cache<SecretsManager, SystemHost>, VariableError> {
        Ok(Cache::new(
            SecretsManager::new(secrets_manager(&self.aws), self.variables.text("SETTINGS_SECRET_ID")?),
            SystemHost,
        ))
    }

    /// The table that `TABLE_NAME` names. It keeps records for `RETENTION_DAYS` and the audit for
    /// `AUDIT_RETENTION_DAYS`.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn table(&self) -> Result<Table, VariableError> {
        let days = |days: u32| time::Duration::days(days.into());
        let retention = days(self.variables.number("RETENTION_DAYS", 90)?);
        let audit_retention = days(self.variables.number("AUDIT_RETENTION_DAYS", 400)?);
        let table = Table::new(aws_sdk_dynamodb::Client::new(&self.aws), self.variables.text("TABLE_NAME")?, retention);
        Ok(table.with_audit_retention(audit_retention))
    }

    /// The queue whose URL `variable` holds.
    ///
    /// # Errors
    /// The variable is not set.
    pub fn queue(&self, variable: &'static str) -> Result<Queue, VariableError> {
        Ok(Queue::new(self.sqs.clone(), self.variables.text(variable)?))
    }

    /// The queue whose URL `variable` holds; `None` if it is unset.
    #[must_use]
    pub fn queue_if_any(&self, variable: &'static str) -> Option<Queue> {
        self.queue(variable).ok()
    }

    /// The dead-letter queues, each by the name of its queue.
    ///
    /// # Errors
    /// Names the variable that is not set.
    pub fn dead_letters(&self) -> Result<Vec<(QueueName, Queue)>, VariableError> {
        let variable = |name| match name {
            QueueName::Notifications => "NOTIFICATIONS_DEAD_LETTER_QUEUE_URL",
            QueueName::Feedback => "FEEDBACK_DEAD_LETTER_QUEUE_URL",
            QueueName::Events => "EVENTS_DEAD_LETTER_QUEUE_URL",
            QueueName::Repairs => "REPAIRS_DEAD_LETTER_QUEUE_URL",
        };
        QueueName::ALL.into_iter().map(|name| Ok((name, self.queue(variable(name))?))).collect()
    }

    /// The longest first back-off, `RETRY_BASE_SECONDS`.
    ///
    /// # Errors
    /// The variable is not a positive whole number.
    pub fn retry_base(&self) -> Result<Duration, VariableError> {
        Ok(Duration::from_secs(self.number("RETRY_BASE_SECONDS", 30)?.into()))
    }

    /// # Errors
    /// The variable is not a positive whole number.
    pub fn number(&self, variable: &'static str, default: u32) -> Result<u32, VariableError> {
        self.variables.number(variable, default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_service_does_not_use_up_the_time_of_a_start() {
        let silent = std::future::pending::<Result<(), VariableError>>();
        // Connecting to Visma Net takes up to three of the ten seconds, after the settings.
        assert_eq!(timeout(Duration::from_secs(6), prepared("a silent service", silent)).await, Ok(None));
    }

    #[test]
    fn the_sdk_repeats_no_reading_of_the_settings() {
        let lookup = |name: &'static str| (name == "AWS_REGION").then(|| "eu-north-1".to_owned());
        let (attempt, operation) = (Duration::from_secs(1), Duration::from_secs(2));
        let aws = aws::config(&Variables::from_fn(lookup), attempt, operation).expect("a region is all it needs");
        let retries = secrets_manager(&aws).config().retry_config().map(RetryConfig::max_attempts);
        assert_eq!(retries, Some(1));
    }
}
