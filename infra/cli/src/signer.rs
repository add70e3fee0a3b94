//! Signs requests to AWS with the same credentials as the AWS command line.

use crate::error::{Exit, Failure};
use aws_config::SdkConfig;
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

/// How long before their end the credentials are renewed.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);

pub(crate) struct Signer {
    provider: Option<SharedCredentialsProvider>,
    region: Option<String>,
    credentials: Mutex<Option<Credentials>>,
}

impl Signer {
    pub(crate) fn new(aws: &SdkConfig) -> Self {
        let region = aws.region().map(ToString::to_string);
        Self { provider: aws.credentials_provider(), region, credentials: Mutex::default() }
    }

    /// Signs for a service, by its signing name.
    ///
    /// # Errors
    /// There are no credentials or no region.
    pub(crate) async fn sign(&self, request: &mut Request, service: &str) -> Result<(), Failure> {
        let region = self.region.as_deref().ok_or_else(|| Failure::usage("no region is set", "Set AWS_REGION."))?;
        let identity = self.credentials().await?.into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(region).name(service);
        let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(unsigned)?.into();
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let (method, url) = (request.method().as_str(), request.url().as_str());
        // AWS wants each header of this kind in the signature.
        let headers = request.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-amz-"));
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(method, url, headers, SignableBody::Bytes(body));
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
        let none = || Failure::new(Exit::Refused, "there are no AWS credentials", "Sign in to AWS (AWS_PROFILE).");
        let provider = self.provider.as_ref().ok_or_else(none)?;
        let fresh = provider.provide_credentials().await.map_err(|_| none())?;
        Ok(kept.insert(fresh).clone())
    }
}

fn unsigned(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, format!("cannot sign the request: {error}"), "Check the AWS credentials.")
}
