//! The table, and what can go wrong with it.

use crate::dynamo::Dynamo;
use crate::item::Items;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use time::{Duration, OffsetDateTime};
use webhooks_model::retry::Next;

/// The one table. Cheap to clone where its items are.
#[derive(Debug, Clone)]
pub struct Table<I = Dynamo> {
    pub(crate) items: I,
    retention: Duration,
    audit_retention: Duration,
}

/// How long what operators did is kept, unless told.
const AUDIT_RETENTION: Duration = Duration::days(400);

impl Table {
    /// `retention` is how long after its last write an item is kept. It must outlast every repetition of a notification: the
    /// sender's retries and the dead-letter queue's 14 days.
    pub fn new(client: Client, name: String, retention: Duration) -> Self {
        Self::over(Dynamo::new(client, name), retention)
    }

    /// Opens the connection that the first read would otherwise wait for.
    ///
    /// # Errors
    /// DynamoDB did not answer.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.items.get("nothing", "nothing").await.map(drop)
    }
}

impl<I> Table<I> {
    /// The table, wherever its items are.
    pub fn over(items: I, retention: Duration) -> Self {
        Self { items, retention, audit_retention: AUDIT_RETENTION }
    }

    /// How long what operators did is kept.
    #[must_use]
    pub fn with_audit_retention(self, audit_retention: Duration) -> Self {
        Self { audit_retention, ..self }
    }

    pub(crate) fn audit_expires_at(&self, at: OffsetDateTime) -> i64 {
        (at + self.audit_retention).unix_timestamp()
    }

    /// Unix seconds, as TTL wants them.
    pub(crate) fn expires_at(&self, now: OffsetDateTime) -> i64 {
        (now + self.retention).unix_timestamp()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// With DynamoDB's code or the kind of transport failure; never an item.
    #[error("DynamoDB did not answer as it should: {0}")]
    Unavailable(String),
    /// DynamoDB refuses the request as wrong, or an item has not the form we write.
    #[error("the table and the code do not fit: {0}")]
    Mismatch(String),
}

impl StoreError {
    pub fn next(&self) -> Next {
        match self {
            Self::Unavailable(_) => Next::unavailable(),
            Self::Mismatch(_) => Next::Bug,
        }
    }

    pub(crate) fn from_sdk<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self {
        let kind = match error {
            SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown service error"),
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "unreadable answer",
            _ => "request not built",
        };
        match kind {
            "ValidationException" | "request not built" => Self::Mismatch(kind.to_owned()),
            _ => Self::Unavailable(kind.to_owned()),
        }
    }
}
