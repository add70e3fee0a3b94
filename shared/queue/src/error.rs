//! What can go wrong at SQS, told without the message.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use webhooks_model::retry::Next;

/// The codes by which SQS refuses a message for what it is: characters it does not take, nothing at all, or more than 1 MiB, which
/// is an invalid parameter value. Each exists in the JSON and in the older query protocol.
const MESSAGE_IS_AT_FAULT: [&str; 5] = [
    "InvalidMessageContents",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MissingParameter",
    "MissingRequiredParameterException",
];

/// Of messages that are each within the limit. The older protocol has words before it.
const TOO_MUCH_TOGETHER: &str = "BatchRequestTooLong";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("SQS did not take the request: {0}")]
    Unavailable(String),
    #[error("SQS declares the message invalid: {0}")]
    InvalidMessage(String),
}

impl QueueError {
    pub fn next(&self) -> Next {
        match self {
            Self::Unavailable(_) => Next::unavailable(),
            Self::InvalidMessage(_) => Next::Bug,
        }
    }

    /// Whether the fault is in what was sent: one of several messages, or all of them together, which SQS refuses as a whole.
    pub(crate) fn is_about_messages(&self) -> bool {
        match self {
            Self::InvalidMessage(_) => true,
            Self::Unavailable(code) => code.ends_with(TOO_MUCH_TOGETHER),
        }
    }

    pub(crate) fn of_sending<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        Self::of_code(&code(error))
    }

    pub(crate) fn of_code(code: &str) -> Self {
        let code = code.to_owned();
        if MESSAGE_IS_AT_FAULT.contains(&code.as_str()) { Self::InvalidMessage(code) } else { Self::Unavailable(code) }
    }

    pub(crate) fn of_reading<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        Self::Unavailable(code(error))
    }
}

/// The service's code, or in one word why there is none. The error's own text could quote the request.
fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let code = match error {
        SdkError::ConstructionFailure(_) => "request not built",
        SdkError::TimeoutError(_) => "time-out",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "time-out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ServiceError(service) => service.err().code().unwrap_or("no code"),
        _ => "answer not understood",
    };
    code.to_owned()
}
