//! How a function reaches AWS. It uses only what Lambda puts into the environment and looks nothing
//! up.

use crate::{crypto, https};
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::time::Duration;
use webhooks_host::{VariableError, Variables};

/// The roots of Amazon Trust Services, which sign all of AWS, from
/// <https://www.amazontrust.com/repository/>. Reading the machine's 140 roots took six sevenths of
/// a function's start.
const ROOTS: [&[u8]; 5] = [
    include_bytes!("../roots/amazon-root-ca-1.cer"),
    include_bytes!("../roots/amazon-root-ca-2.cer"),
    include_bytes!("../roots/amazon-root-ca-3.cer"),
    include_bytes!("../roots/amazon-root-ca-4.cer"),
    include_bytes!("../roots/starfield-services-root-g2.cer"),
];
/// `true` trusts the machine's roots as well.
const TRUST_MACHINE: &str = "TRUST_MACHINE_ROOTS";

fn roots(trusts_machine: bool) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(ROOTS.map(CertificateDer::from_slice));
    if trusts_machine {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    roots
}

pub(crate) fn tls(roots: RootCertStore) -> ClientConfig {
    let versions = ClientConfig::builder_with_provider(crypto::provider().into());
    let versions = versions.with_safe_default_protocol_versions().expect("the provider knows both versions of TLS");
    versions.with_root_certificates(roots).with_no_client_auth()
}

/// Reads `AWS_REGION`, the variables with the credentials, and `AWS_ENDPOINT_URL` if it is set. All
/// services share one HTTP client, so TLS is set up once.
pub(crate) fn config<F: Fn(&'static str) -> Option<String>>(
    variables: &Variables<F>,
    attempt: Duration,
    operation: Duration,
) -> Result<SdkConfig, VariableError> {
    let trusts_machine = variables.text(TRUST_MACHINE).is_ok_and(|text| text == "true");
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation).build();
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variables.text("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(https::client(tls(roots(trusts_machine))))
        // Each attempt has a time limit for its whole exchange.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts);
    config.set_endpoint_url(variables.text("AWS_ENDPOINT_URL").ok());
    Ok(config.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(region: Option<&str>) -> Result<SdkConfig, VariableError> {
        let lookup = |name| match name {
            "AWS_REGION" => region.map(str::to_owned),
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
            _ => None,
        };
        config(&Variables::from_fn(lookup), Duration::from_secs(1), Duration::from_secs(2))
    }

    #[test]
    fn only_lambdas_environment_configures_aws() {
        let config = of(Some("eu-north-1")).unwrap();
        assert_eq!(config.region(), Some(&Region::from_static("eu-north-1")));
        assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:4566"));
        assert_eq!(of(None).unwrap_err(), VariableError::Missing("AWS_REGION"));
    }

    #[test]
    fn every_root_of_amazon_is_usable() {
        assert_eq!(roots(false).len(), 5);
    }
}
