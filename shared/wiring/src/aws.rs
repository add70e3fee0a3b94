//! How a function reaches AWS: with what Lambda puts into its environment, and nothing that would have to be looked for.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use std::time::Duration;
use webhooks_host::{VariableError, Variables};

/// `AWS_REGION`, the credentials' variables, and `AWS_ENDPOINT_URL` where AWS is somewhere else. One HTTP client for all services, so
/// that TLS is set up once.
pub(crate) fn config<F: Fn(&'static str) -> Option<String>>(
    variables: &Variables<F>,
    attempt: Duration,
    operation: Duration,
) -> Result<SdkConfig, VariableError> {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation).build();
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variables.text("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https())
        .timeout_config(timeouts);
    config.set_endpoint_url(variables.text("AWS_ENDPOINT_URL").ok());
    Ok(config.build())
}
