//! Checks the sender's address against a list.

use crate::problem::Problem;
use std::net::IpAddr;
use webhooks_settings::{SourceIpPolicy, SourceIps};

/// # Errors
/// The list is enforced, and the address is unknown or not on it.
pub(crate) fn check(list: &SourceIps, address: Option<IpAddr>) -> Result<(), Problem> {
    let listed = || address.is_some_and(|address| list.addresses.contains(&address));
    match list.policy {
        SourceIpPolicy::Off => Ok(()),
        SourceIpPolicy::Enforce if listed() => Ok(()),
        SourceIpPolicy::Enforce => Err(Problem::SourceNotAllowed),
        SourceIpPolicy::Warn => {
            // Without a list, a warning for every request would tell nothing.
            if !list.addresses.is_empty() && !listed() {
                tracing::warn!(code = "source_not_listed", "a request came from an address that is not on the list");
            }
            Ok(())
        }
    }
}
