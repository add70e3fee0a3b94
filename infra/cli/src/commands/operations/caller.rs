//! Who asks the operations API, in either way in which it can be deployed (`OperationsAuthorizer`).

use crate::error::{Exit, Failure};
use aws_config::SdkConfig;
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

const TOKEN: &str = "VISMA_WEBHOOKS_TOKEN";
/// Credentials are asked for again so long before they end.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);

/// A token comes from the environment only: on the command line every list of processes would show it.
#[derive(Clone)]
pub enum Caller {
    /// A bearer token, for `jwt`.
    Token(String),
    /// The AWS credentials, which sign every request, for `iam`.
    Aws,
}

impl Caller {
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(TOKEN) {
            Ok(token) if !token.trim().is_empty() => Self::Token(token.trim().to_owned()),
            _ => Self::Aws,
        }
    }

    /// What helps against API Gateway's own 401 and 403.
    pub(super) fn advice(&self, status: u16) -> &'static str {
        match (self, status) {
            (Self::Token(_), 401) => {
                "The token has ended or is another API's: get a new one (infra/DEPLOY.md, step 6)."
            }
            (Self::Token(_), _) => "The token lacks the role; functions/operations/README.md says which.",
            (Self::Aws, _) => {
                "Without VISMA_WEBHOOKS_TOKEN the AWS credentials signed the request, which must be allowed execute-api:Invoke \
                 where the API takes IAM. Where it takes tokens, set one (infra/DEPLOY.md, step 6)."
            }
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::Aws => "Aws",
        })
    }
}

pub(super) struct Signer {
    provider: Option<SharedCredentialsProvider>,
    region: Option<String>,
    credentials: Mutex<Option<Credentials>>,
}

impl Signer {
    pub(super) fn new(aws: &SdkConfig) -> Self {
        let region = aws.region().map(ToString::to_string);
        Self { provider: aws.credentials_provider(), region, credentials: Mutex::default() }
    }

    /// # Errors
    /// There are no credentials or no region.
    pub(super) async fn sign(&self, request: &mut Request) -> Result<(), Failure> {
        let region = self.region.as_deref().ok_or_else(|| Failure::usage("no region is set", "Set AWS_REGION."))?;
        let identity = self.credentials().await?.into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("execute-api");
        let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(unsigned)?.into();
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let (method, url) = (request.method().as_str(), request.url().as_str());
        let signable = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(body));
        let (instructions, _) = sign(signable.map_err(unsigned)?, &parameters).map_err(unsigned)?.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(unsigned)?;
            request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(unsigned)?);
        }
        Ok(())
    }

    async fn credentials(&self) -> Result<Credentials, Failure> {
        let mut kept = self.credentials.lock().await;
        let until = SystemTime::now() + RENEWED_BEFORE;
        if let Some(credentials) = kept.as_ref().filter(|kept| kept.expiry().is_none_or(|end| end > until)) {
            return Ok(credentials.clone());
        }
        let none = || {
            let advice = "Set VISMA_WEBHOOKS_TOKEN, or sign in to AWS (AWS_PROFILE).";
            Failure::new(Exit::Refused, "there is neither a token nor AWS credentials", advice)
        };
        let provider = self.provider.as_ref().ok_or_else(none)?;
        let fresh = provider.provide_credentials().await.map_err(|_| none())?;
        Ok(kept.insert(fresh).clone())
    }
}

fn unsigned(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("cannot sign the request: {error}"), "Check the AWS credentials.")
}
