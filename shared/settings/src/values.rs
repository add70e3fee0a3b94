//! Values of the document that have a type of their own or a check: texts that are never shown, the
//! zone of an API's times that have none of their own, and the base URLs of Visma Net.

use crate::invalid::Code;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use url::{Host, Url};
use webhooks_model::Zone;
use zeroize::Zeroizing;

/// A secret. It has no `Display`, its `Debug` shows nothing, and its memory is wiped when it is
/// dropped.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it begins or ends with white space, a control character or an invisible mark, which
    /// it got when it was copied.
    pub(crate) fn is_padded(&self) -> bool {
        let is_padding =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}');
        self.0.starts_with(is_padding) || self.0.ends_with(is_padding)
    }
}

/// As a key of a map in this process.
impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A zone by its name. `None` stands for an unknown name, so that the check can name the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Option<Zone>);

impl TimeZone {
    pub(crate) fn is_known(self) -> bool {
        self.0.is_some()
    }

    pub fn zone(self) -> Zone {
        self.0.unwrap_or_default()
    }
}

/// UTC. A zone too far west finds changes late; one too far east loses them.
impl Default for TimeZone {
    fn default() -> Self {
        Self(Some(Zone::UTC))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Zone::named(&String::deserialize(deserializer)?)))
    }
}

/// A base URL. The host must be ASCII, without `%`. `url` is built without Unicode tables, so write
/// such a host in its `xn--` form.
pub(crate) fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.is_ascii() || text.contains('%') {
        return Err(D::Error::custom(Code::UrlInvalid));
    }
    Url::parse(&text).map_err(|_| D::Error::custom(Code::UrlInvalid))
}

/// Requires TLS except on loopback. Allows nothing that a joined path or a log line would carry
/// along.
pub(crate) fn is_safe_url(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let credentials = !url.username().is_empty() || url.password().is_some();
    scheme && url.host().is_some() && url.query().is_none() && url.fragment().is_none() && !credentials
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_url_is_all_ascii_and_has_no_escapes() {
        for (text, is_read) in [("https://x/a", true), ("https://x/å", false), ("https://x/%20", false)] {
            assert_eq!(read_url(json!(text)).is_ok(), is_read, "{text}");
        }
    }
}
