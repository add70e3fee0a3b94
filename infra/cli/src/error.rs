//! What can go wrong, with the exit code that says so and what to do.

use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// The exit codes. They are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Ok = 0,
    /// A check did not pass, or an answer was not what it should be.
    Failed = 1,
    /// The command line or its input is wrong (clap's own code, too).
    Usage = 2,
    /// No such subscription, notification, stack or output.
    NotFound = 3,
    /// The other side says no: not authorised, not valid, or changed by somebody else meanwhile.
    Refused = 4,
    /// No answer, or only that it cannot be done now. The same command may succeed later.
    Unavailable = 5,
    /// Ctrl-C. What was begun has been finished, and nothing is half done.
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

    /// What AWS answered to `doing`, for example "read the secret".
    pub fn aws<E, R>(doing: &str, error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let Some(code) = error.code().map(str::to_owned) else {
            let advice = "Check AWS_REGION, the credentials (AWS_PROFILE) and the network, then try again.";
            return Self::new(Exit::Unavailable, format!("cannot {doing}: {}", DisplayErrorContext(error)), advice);
        };
        Self::answered(doing, &code, error.message().unwrap_or_default())
    }

    /// The same of an answer that no SDK has read.
    pub(crate) fn answered(doing: &str, code: &str, text: &str) -> Self {
        let (exit, advice) = meaning(code);
        Self::new(exit, format!("cannot {doing}: {code} {text}").trim_end(), advice)
    }

    /// Why an HTTP call had no answer. The error's own text shows the URL, which may hold a token.
    pub fn http(doing: &str, error: &reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
        Self::new(Exit::Unavailable, format!("cannot {doing}: {why}"), "Check the address and the network.")
    }
}

fn meaning(code: &str) -> (Exit, &'static str) {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if has(&["AccessDenied", "AuthorizationError", "UnauthorizedAccess"]) {
        (Exit::Refused, "Your IAM policy does not allow it; infra/cli/README.md lists what each command needs.")
    } else if has(&["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "Signature"]) {
        (
            Exit::Refused,
            "The AWS credentials are not valid (any more): sign in again, or choose others with AWS_PROFILE.",
        )
    } else if has(&["NotFound", "NonExistent", "ValidationError"]) {
        (Exit::NotFound, "Check --stack, AWS_REGION and the account: aws sts get-caller-identity.")
    } else if has(&["Throttl", "TooManyRequests", "InternalService", "ServiceUnavailable", "RequestLimit"]) {
        (Exit::Unavailable, "Try again in a moment.")
    } else {
        (Exit::Failed, "See the message of AWS.")
    }
}
