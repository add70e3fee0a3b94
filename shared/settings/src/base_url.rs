//! Where Visma Net is: what paths are joined to.

use crate::invalid::Code;
use serde::de::{Deserialize, Deserializer, Error};
use url::{Host, Url};

/// In ASCII and without `%`: `url` is built without Unicode's tables, and so a host is written as it is asked for, `xn--` and all.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.is_ascii() || text.contains('%') {
        return Err(D::Error::custom(Code::UrlInvalid));
    }
    Url::parse(&text).map_err(|_| D::Error::custom(Code::UrlInvalid))
}

/// Over TLS, but on this machine; and nothing that a path joined to it, or a log line, would carry along.
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
