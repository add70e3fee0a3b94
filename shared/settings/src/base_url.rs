//! The base URLs of Visma Net.

use crate::invalid::Code;
use serde::de::{Deserialize, Deserializer, Error};
use url::{Host, Url};

/// The host must be ASCII, without `%`. `url` is built without Unicode tables, so write such a host
/// in its `xn--` form.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.is_ascii() || text.contains('%') {
        return Err(D::Error::custom(Code::UrlInvalid));
    }
    Url::parse(&text).map_err(|_| D::Error::custom(Code::UrlInvalid))
}

/// Requires TLS except on loopback. Allows nothing that a joined path or a log line would carry
/// along.
pub(crate) fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let credentials = !url.username().is_empty() || url.password().is_some();
    scheme && url.host().is_some() && url.query().is_none() && url.fragment().is_none() && !credentials
}
