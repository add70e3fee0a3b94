//! The list of addresses a request may come from.

use crate::problem::Problem;
use std::net::IpAddr;
use webhooks_settings::{SourceIpPolicy, SourceIps};

/// # Errors
/// The policy is to enforce the list, and the address is not on it or not known.
pub(crate) fn check(list: &SourceIps, address: Option<IpAddr>) -> Result<(), Problem> {
    let listed = || address.is_some_and(|address| list.addresses.contains(&address));
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
