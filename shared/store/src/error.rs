//! What can go wrong with the table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use webhooks_model::retry::Next;

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
