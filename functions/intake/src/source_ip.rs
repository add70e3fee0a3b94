//! The list of addresses a request may come from.

use crate::problem::Problem;
use lambda_http::RequestExt;
use lambda_http::http::request::Parts;
use lambda_http::request::RequestContext;
use std::net::IpAddr;
use webhooks_settings::{SourceIpPolicy, SourceIps};

/// # Errors
/// The policy is to enforce the list, and the address is not on it or not known.
pub(crate) fn check(list: &SourceIps, request: &Parts) -> Result<(), Problem> {
    let listed = || address(request).is_some_and(|address| list.addresses.contains(&address));
    match list.policy {
        SourceIpPolicy::Off => Ok(()),
        SourceIpPolicy::Enforce if listed() => Ok(()),
        SourceIpPolicy::Enforce => Err(Problem::SourceNotAllowed),
        SourceIpPolicy::Warn => {
            // Without a list there is nothing to compare with, and a warning for every request would say nothing.
            if !list.addresses.is_empty() && !listed() {
                tracing::warn!(code = "source_not_listed", "a request came from an address that is not on the list");
            }
            Ok(())
        }
    }
}

/// As API Gateway saw it. `x-forwarded-for` is the sender's own word.
pub(crate) fn address(request: &Parts) -> Option<IpAddr> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    let address: IpAddr = context.http.source_ip.as_deref()?.parse().ok()?;
    Some(address.to_canonical())
}
