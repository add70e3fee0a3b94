//! The document in AWS Secrets Manager, and in the process. It is read when needed, kept for a
//! while, and read again when a signature does not verify.

use crate::document::Settings;
use crate::invalid::Invalid;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use std::ops::Range;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use webhooks_host::Host;

/// How long a document is used before it is read again.
const FRESH_FOR: Duration = Duration::minutes(5);
/// The least time between two readings, so that forged signatures cannot flood Secrets Manager.
const REREAD_AFTER: Duration = Duration::seconds(30);

/// The same for replays: an operator may just have corrected the document.
const REREAD_FOR_REPLAYS_AFTER: Duration = Duration::seconds(2);
/// The wait after a failed reading. It doubles with each failure up to [`REREAD_AFTER`], and loses
/// up to half at random, so that processes that started together spread out. A thousand processes
/// that start while Secrets Manager refuses ask it once each in their first second.
const RETRY_AFTER: Duration = Duration::seconds(2);

/// How long a document stays in force while no newer one can be read: an hour, plus [`FRESH_FOR`]
/// after the last try in that hour. A revoked secret stays valid no longer than this, even in a
/// process that was frozen for a day.
const IN_FORCE_FOR: Duration = Duration::hours(1);

/// Where the document is kept.
pub trait Source: Send + Sync {
    /// # Errors
    /// [`LoadError::Unreachable`] with what the store said.
    fn load(&self) -> impl Future<Output = Result<String, LoadError>> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the settings document cannot be read: {0}")]
    Unreachable(String),
    #[error("the settings document is not valid: {0}")]
    Invalid(#[from] Invalid),
}

impl LoadError {
    /// The stable code of an invalid document.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable(_) => None,
            Self::Invalid(invalid) => Some(invalid.code.name()),
        }
    }
}

/// Returns the current document. While reading fails, the last good document stays in force for an
/// hour.
#[derive(Debug)]
pub struct Cache<S, H> {
    source: S,
    host: H,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last good document, and when it was read.
    good: Option<(Arc<Settings>, OffsetDateTime)>,
    /// When reading was last tried.
    read_at: Option<OffsetDateTime>,
    /// Why the last reading failed.
    failure: Option<Failure>,
}

#[derive(Debug, Clone)]
struct Failure {
    error: LoadError,
    /// How many readings have failed in a row.
    count: u32,
    /// No reading starts in this time. The clock may be turned back to before it.
    waits: Range<OffsetDateTime>,
}

impl Kept {
    /// The last good document, unless it was too old at the last reading.
    fn in_force(&self) -> Option<&Arc<Settings>> {
        let (settings, good_at) = self.good.as_ref()?;
        (self.read_at? - *good_at < IN_FORCE_FOR).then_some(settings)
    }
}

impl<S: Source, H: Host> Cache<S, H> {
    pub fn new(source: S, host: H) -> Self {
        Self { source, host, kept: Mutex::default() }
    }

    /// # Errors
    /// There is no document, or none newer than an hour, and none can be read.
    pub async fn get(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(self.read_within(FRESH_FOR).await?.0)
    }

    /// The document to use when something does not match it. It is read again unless that was done
    /// a moment ago.
    ///
    /// # Errors
    /// The last reading failed. A newer document might match.
    pub async fn refreshed(&self) -> Result<Arc<Settings>, LoadError> {
        let (settings, failure) = self.read_within(REREAD_AFTER).await?;
        failure.map_or(Ok(settings), Err)
    }

    /// A document read at `moment` or later. Use it for a message that a newer document than ours
    /// may have admitted.
    ///
    /// # Errors
    /// The document cannot be read now.
    pub async fn as_of(&self, moment: OffsetDateTime) -> Result<Arc<Settings>, LoadError> {
        let (settings, failure) = self.read_within(self.host.now() - moment).await?;
        failure.map_or(Ok(settings), Err)
    }

    /// The document for a replay, since a newer document may read what the last one could not. It
    /// is read again unless that was done in the last two seconds.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn for_replay(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(self.read_within(REREAD_FOR_REPLAYS_AFTER).await?.0)
    }

    async fn read_within(&self, age: Duration) -> Result<(Arc<Settings>, Option<LoadError>), LoadError> {
        let mut kept = self.kept.lock().await;
        let now = self.host.now();
        // The clock may have been turned back since, by any time.
        let is_young = kept.in_force().is_some() && kept.read_at.is_some_and(|read_at| (now - read_at).abs() < age);
        let must_wait = kept.failure.as_ref().is_some_and(|failure| failure.waits.contains(&now));
        if !is_young && !must_wait {
            let read = self.read().await;
            kept.read_at = Some(now);
            match read {
                Ok(settings) => {
                    kept.good = Some((settings, now));
                    kept.failure = None;
                }
                Err(error) => kept.failure = Some(self.failed(error, kept.failure.take())),
            }
        }
        let failure = kept.failure.as_ref().map(|failure| failure.error.clone());
        match kept.in_force() {
            Some(settings) => Ok((settings.clone(), failure)),
            None => Err(failure.expect("a document that was just read is in force")),
        }
    }

    fn failed(&self, error: LoadError, before: Option<Failure>) -> Failure {
        let count = before.map_or(0, |failure| failure.count).saturating_add(1);
        let doubled = RETRY_AFTER * 2_i32.pow(count.min(5) - 1);
        let wait = doubled.min(REREAD_AFTER) * (0.5 + self.host.random().clamp(0.0, 1.0) / 2.0);
        let code = error.code();
        tracing::error!(error = %error, code, failed_readings = count, "the settings cannot be read again: {error}");
        // The reading itself may have taken longer than the wait.
        let now = self.host.now();
        Failure { error, count, waits: now..now + wait }
    }

    async fn read(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(Arc::new(Settings::parse(&self.source.load().await?)?))
    }
}

#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// `secret_id` is the secret's name or ARN.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { client, secret_id }
    }

    async fn ask(&self) -> Result<GetSecretValueOutput, SdkError<GetSecretValueError>> {
        self.client.get_secret_value().secret_id(&self.secret_id).send().await
    }
}

impl Source for SecretsManager {
    async fn load(&self) -> Result<String, LoadError> {
        let mut answer = self.ask().await;
        // A kept connection may have died while the process was frozen.
        if matches!(&answer, Err(SdkError::DispatchFailure(failure)) if failure.is_io()) {
            answer = self.ask().await;
        }
        let secret = answer.map_err(|error| LoadError::Unreachable(code(&error).to_owned()))?;
        secret.secret_string.ok_or_else(|| LoadError::Unreachable("the secret holds no text".into()))
    }
}

/// The service's code, or a word for why there is none. The error's own text may have the answer,
/// which is the document.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> &str {
    match error {
        SdkError::ConstructionFailure(_) => "request not built",
        SdkError::TimeoutError(_) => "time-out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("answer not understood"),
        _ => "answer not understood",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::config::retry::RetryConfig;
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
    use aws_sdk_secretsmanager::error::{ConnectorError, ErrorMetadata};

    type Unread = SdkError<GetSecretValueError, &'static str>;

    #[test]
    fn an_answer_that_cannot_be_read_is_not_part_of_the_error() {
        let denied = ErrorMetadata::builder().code("AccessDeniedException").message("canary").build();
        for (error, expected) in [
            (Unread::construction_failure("canary"), "request not built"),
            (Unread::timeout_error("canary"), "time-out"),
            (Unread::dispatch_failure(ConnectorError::timeout("canary".into())), "time-out"),
            (Unread::dispatch_failure(ConnectorError::io("canary".into())), "no connection"),
            (Unread::response_error("canary", "canary"), "answer not understood"),
            (Unread::service_error(GetSecretValueError::unhandled("no JSON"), "canary"), "answer not understood"),
            (Unread::service_error(GetSecretValueError::generic(denied), "canary"), "AccessDeniedException"),
        ] {
            assert_eq!(code(&error), expected);
        }
    }

    #[test]
    fn an_invalid_document_has_the_code_of_its_mistake() {
        let invalid = Settings::parse("{}").unwrap_err();
        assert_eq!(LoadError::from(invalid).code(), Some("field_missing"));
        assert_eq!(LoadError::Unreachable("time-out".into()).code(), None);
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_asked_for_is_no_document() {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            // An address without a server.
            .endpoint_url("http://127.0.0.1:1");
        let source = SecretsManager::new(Client::from_conf(config.build()), "settings".to_owned());
        let loaded = source.load().await;
        assert!(matches!(loaded, Err(LoadError::Unreachable(_))), "{loaded:?}");
    }
}
