//! The errors of SQS, without the text of any message.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use webhooks_model::retry::Next;

/// The codes by which SQS refuses the message itself: it is empty, has forbidden characters, or is
/// larger than 1 MiB (an invalid parameter value). Each code exists in the JSON and in the older
/// query protocol.
const MESSAGE_IS_AT_FAULT: [&str; 5] = [
    "InvalidMessageContents",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MissingParameter",
    "MissingRequiredParameterException",
];

/// SQS's codes for a message that is not hidden. It was deleted, or its visibility timeout has ended.
/// SQS mostly calls the receipt an invalid parameter.
const NOT_HIDDEN: [&str; 4] = [
    "AWS.SimpleQueueService.MessageNotInflight",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "MessageNotInflight",
];

/// For messages that are within the limit each, but not together. The older protocol puts words
/// before the code.
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

    /// Whether the fault is in what was sent: in one of the messages, or in all of them together,
    /// which SQS then refuses as a whole.
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

/// Whether a request to show a message failed because the message is not hidden.
pub fn is_not_hidden<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    NOT_HIDDEN.contains(&code(error).as_str())
}

/// The service's code, or a word for why there is none. The error's own text could quote the
/// request.
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sqs::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_sqs::operation::send_message::SendMessageError;

    type Unsent = SdkError<SendMessageError, &'static str>;

    #[test]
    fn an_error_is_a_code_or_a_word_and_quotes_neither_request_nor_answer() {
        let coded = ErrorMetadata::builder().code("RequestThrottled").message("canary").build();
        let uncoded = ErrorMetadata::builder().message("canary").build();
        for (error, expected) in [
            (Unsent::construction_failure("canary"), "request not built"),
            (Unsent::timeout_error("canary"), "time-out"),
            (Unsent::dispatch_failure(ConnectorError::timeout("canary".into())), "time-out"),
            (Unsent::dispatch_failure(ConnectorError::io("canary".into())), "no connection"),
            (Unsent::response_error("canary", "canary"), "answer not understood"),
            (Unsent::service_error(SendMessageError::generic(coded), "canary"), "RequestThrottled"),
            (Unsent::service_error(SendMessageError::generic(uncoded), "canary"), "no code"),
        ] {
            assert_eq!(QueueError::of_sending(&error), QueueError::Unavailable(expected.to_owned()));
        }
    }
}
