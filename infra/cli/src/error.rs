//! Failures, each with an exit code and advice.

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// The exit codes. They are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// A check failed, or an answer was wrong.
    Failed = 1,
    /// The command line or its input is wrong (also clap's own code).
    Usage = 2,
    /// No such subscription, notification, stack or output.
    NotFound = 3,
    /// Refused: not authorised, not valid, or changed by someone else meanwhile.
    Refused = 4,
    /// No answer, or a temporary refusal. The same command may succeed later.
    Unavailable = 5,
    /// Ctrl-C. Everything that was started is finished, and nothing is half done.
    Interrupted = 130,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    pub exit: Exit,
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { exit, what: what.into(), advice: advice.into() }
    }

    pub fn usage(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, advice)
    }

    /// An error of AWS during `doing`, for example "read the secret".
    pub fn aws<E, R>(doing: &str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug,
    {
        let Some(code) = error.code().map(str::to_owned) else {
            let advice = "Check AWS_REGION, the credentials (AWS_PROFILE) and the network, then try again.";
            return Self::new(Exit::Unavailable, format!("cannot {doing}: {}", in_words(&error)), advice);
        };
        Self::answered(doing, &code, error.message().unwrap_or_default())
    }

    /// The same for an answer that was read without an SDK.
    pub(crate) fn answered(doing: &str, code: &str, text: &str) -> Self {
        let (exit, advice) = meaning(code);
        Self::new(exit, format!("cannot {doing}: {code} {text}").trim_end(), advice)
    }

    /// Why an HTTP call failed. The error's own text is left out, since it shows the URL, which may
    /// hold a token.
    pub fn http(doing: &str, error: &reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
        Self::new(Exit::Unavailable, format!("cannot {doing}: {why}"), "Check the address and the network.")
    }
}

/// The error and its causes. The SDK's own form of this also has the answer, which may be the
/// settings document.
fn in_words(error: &dyn Error) -> String {
    let (mut words, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// What a code of AWS means, or a status of an answer without a code.
fn meaning(code: &str) -> (Exit, &'static str) {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let unsigned = ["Signature", "ExpiredToken", "RequestExpired", "MissingAuthenticationToken"];
    let unknown_key = ["UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId"];
    let too_fast = ["Throttl", "TooManyRequests", "RequestLimit", "ThroughputExceeded"];
    // Each service has its own name for its faults.
    let faults = ["Internal", "ServiceException", "ServiceUnavailable", "RequestTimeout"];
    if has(&["AccessDenied", "AuthorizationError", "UnauthorizedAccess"]) {
        (Exit::Refused, "Your IAM policy does not allow it; infra/cli/README.md lists what each command needs.")
    } else if has(&unsigned) || has(&unknown_key) {
        (
            Exit::Refused,
            "The AWS credentials are not valid (any more), or this machine's clock is wrong: sign in again, or choose \
             others with AWS_PROFILE.",
        )
    } else if has(&["NotFound", "NonExistent", "DoesNotExist", "ValidationError"]) {
        (Exit::NotFound, "Check --stack, AWS_REGION and the account: aws sts get-caller-identity.")
    } else if has(&too_fast) || has(&faults) || code.starts_with('5') {
        (Exit::Unavailable, "Try again in a moment.")
    } else {
        (Exit::Failed, "See the message of AWS.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_aws_tells_whether_the_same_command_may_succeed_later() {
        let known: [(Exit, &[&str]); 4] = [
            (
                Exit::Unavailable,
                &[
                    "InternalError",
                    "InternalFailure",
                    "InternalServerError",
                    "InternalServiceError",
                    "ServiceException",
                    "ServiceUnavailableException",
                    "RequestTimeoutException",
                    "RequestThrottled",
                    "ThrottlingException",
                    "TooManyRequestsException",
                    "ProvisionedThroughputExceededException",
                    "503",
                ],
            ),
            (
                Exit::Refused,
                &[
                    "AccessDenied",
                    "KMS.AccessDeniedException",
                    "AuthorizationError",
                    "ExpiredTokenException",
                    "InvalidSignatureException",
                    "SignatureDoesNotMatch",
                    "RequestExpired",
                    "MissingAuthenticationTokenException",
                    "UnrecognizedClientException",
                    "InvalidClientTokenId",
                ],
            ),
            (
                Exit::NotFound,
                &[
                    "ResourceNotFoundException",
                    "AWS.SimpleQueueService.NonExistentQueue",
                    "QueueDoesNotExist",
                    "ValidationError",
                ],
            ),
            (Exit::Failed, &["ValidationException", "InvalidParameterValue", "400"]),
        ];
        for (exit, codes) in known {
            for code in codes {
                assert_eq!(meaning(code).0, exit, "{code}");
            }
        }
    }
}
