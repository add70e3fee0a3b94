//! Errors of the table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use webhooks_model::Reason;
use webhooks_model::retry::Next;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Contains DynamoDB's code or the kind of transport failure, never an item.
    #[error("DynamoDB failed: {0}")]
    Unavailable(String),
    /// DynamoDB refuses the request as invalid, or an item does not have the form that we write.
    #[error("the code does not match the table: {0}")]
    Mismatch(String),
    /// An item that only a newer version of the product can read. It is left to that version.
    #[error("a newer version of this product wrote {0}; deploy that version again")]
    Newer(&'static str),
    /// The answer has more pages than one request reads.
    #[error("the answer has more than {0} pages of DynamoDB")]
    TooMuch(usize),
}

impl StoreError {
    pub fn next(&self) -> Next {
        match self {
            Self::Unavailable(_) => Next::unavailable(),
            Self::Newer(_) => Next::Retry { reason: Reason::NewerVersion, after: None },
            Self::Mismatch(_) | Self::TooMuch(_) => Next::Bug,
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::http::HttpResponse;
    use aws_sdk_dynamodb::error::ConnectorError;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    #[test]
    fn a_request_without_an_answer_may_succeed_later_and_one_that_was_not_built_is_our_fault() {
        type Failed = SdkError<GetItemError>;
        let part = HttpResponse::new(200_u16.try_into().unwrap(), "{".into());
        for (error, kind, next) in [
            (Failed::timeout_error("slow"), "timeout", Next::unavailable()),
            (Failed::dispatch_failure(ConnectorError::io("reset".into())), "no connection", Next::unavailable()),
            (Failed::response_error("cut", part), "unreadable answer", Next::unavailable()),
            (Failed::construction_failure("odd"), "request not built", Next::Bug),
        ] {
            let error = StoreError::from_sdk(&error);
            assert_eq!(error.next(), next, "{error}");
            assert!(error.to_string().ends_with(kind), "{error}");
        }
    }

    #[test]
    fn an_error_says_whether_another_try_may_help() {
        let newer = Next::Retry { reason: Reason::NewerVersion, after: None };
        for (error, next) in [
            (StoreError::Unavailable("timeout".into()), Next::unavailable()),
            (StoreError::Newer("the record"), newer),
            (StoreError::Mismatch("ValidationException".into()), Next::Bug),
            (StoreError::TooMuch(20), Next::Bug),
        ] {
            assert_eq!(error.next(), next, "{error}");
        }
    }
}
