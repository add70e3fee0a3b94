//! The headers of a request, and those that a delivery keeps.

use crate::text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

const LARGEST_HEADER: usize = 2 * 1024;
const LARGEST_SUM: usize = 16 * 1024;

/// Credentials, secrets of gateways, headers of the connection, and headers that locate the sender.
const DROPPED: [&str; 58] = [
    "authorization",
    "cf-access-client-id",
    "cf-access-client-secret",
    "cf-access-jwt-assertion",
    "cf-access-token",
    "cf-authorization",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-metro-code",
    "cf-postal-code",
    "cf-pseudo-ipv4",
    "cf-region",
    "cf-region-code",
    "cf-timezone",
    "client-ip",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "host",
    "keep-alive",
    "ocp-apim-subscription-key",
    "proxy-authorization",
    "proxy-client-ip",
    "proxy-connection",
    "remote-addr",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "wl-proxy-client-ip",
    "x-access-token",
    "x-akamai-edgescape",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-azure-clientip",
    "x-azure-fdid",
    "x-azure-socketip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-forwarded",
    "x-functions-key",
    "x-goog-iap-jwt-assertion",
    "x-nf-client-connection-ip",
    "x-origin-verify",
    "x-original-forwarded-for",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-true-client-ip",
];

/// The beginnings of such names. `cf-ip` begins what Cloudflare tells of the sender's country and
/// city.
const DROPPED_FAMILIES: [&str; 7] =
    ["cf-ip", "cloudfront-viewer-", "x-amzn-oidc-", "x-appengine-", "x-client-geo-", "x-forwarded-", "x-vercel-ip-"];

const DISPATCHERS_OWN: &str = "x-vwd-";

/// All headers, by lower-case name. Values may be any text.
#[derive(Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::pairs(deserializer).map(Self::new)
    }
}

impl<T: Into<String>> FromIterator<(T, T)> for Headers {
    fn from_iter<I: IntoIterator<Item = (T, T)>>(pairs: I) -> Self {
        Self::new(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Headers {
    /// Sorts them so that the values of one name are adjacent.
    fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(pairs)
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.trim())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }
}

/// Serialises as a JSON map. No name occurs twice.
pub(crate) struct Kept<'r>(Vec<(&'r str, Cow<'r, str>)>);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The kept headers by lower-case name, with several values joined. The dispatcher's own come
/// first, so that others cannot crowd them out. A malformed header is left out without affecting
/// others.
pub(crate) fn kept(headers: &Headers) -> Kept<'_> {
    let mut kept: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(headers.0.len());
    for (name, value) in headers.0.iter().filter(|(name, value)| is_kept(name) && is_sound(name, value)) {
        match kept.last_mut() {
            Some((last, all)) if last == name => {
                *all += ", ";
                *all += value.as_str();
            }
            _ => kept.push((name, value.into())),
        }
    }
    let mut room = LARGEST_SUM;
    let mut fits = |name: &str, value: &str| {
        let size = name.len() + value.len();
        let fits = size <= LARGEST_HEADER && size <= room;
        if fits {
            room -= size;
        }
        fits
    };
    for is_turn_of_own in [true, false] {
        kept.retain(|(name, value)| name.starts_with(DISPATCHERS_OWN) != is_turn_of_own || fits(name, value));
    }
    Kept(kept)
}

fn is_kept(name: &str) -> bool {
    !DROPPED.contains(&name) && !DROPPED_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether the name is a token (RFC 9110, 5.6.2) and the value has only visible ASCII, spaces and
/// tabs.
fn is_sound(name: &str, value: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let is_plain = |b: u8| matches!(b, b'\t' | b' '..=b'~');
    !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().copied().collect()
    }

    #[test]
    fn names_are_lower_case_and_several_values_are_joined() {
        let headers = headers(&[("x-multi", "1"), ("X-VWD-Event-Id", "A"), ("X-Multi", "2"), ("x-multi", "")]);
        let kept = serde_json::to_value(kept(&headers)).unwrap();
        assert_eq!(kept, serde_json::json!({"x-multi": "1, 2, ", "x-vwd-event-id": "A"}));
    }

    #[test]
    fn credentials_connection_and_addresses_are_dropped() {
        let mut pairs: Vec<(&str, &str)> = DROPPED.iter().map(|name| (*name, "CANARY")).collect();
        pairs.extend([("X-Forwarded-For", "CANARY"), ("x-forwarded-port", "CANARY"), ("Accept", "*/*")]);
        pairs.extend([("CloudFront-Viewer-City", "CANARY"), ("cf-ipcountry", "CANARY")]);
        let headers = headers(&pairs);
        assert_eq!(kept(&headers).0, [("accept", Cow::Borrowed("*/*"))]);
    }

    #[test]
    fn drops_only_the_malformed_header() {
        for (name, value) in [
            ("x-a", "\u{fffe}"),
            ("x-city", "Torrej\u{f3}n"),
            ("x-b", "false\n"),
            ("x-c", "a\u{7f}b"),
            ("x-d", "a\0b"),
            ("x odd", "1"),
            ("x:y", "1"),
            ("", "1"),
            ("x-\u{e5}", "1"),
        ] {
            assert_eq!(
                kept(&headers(&[(name, value), ("x-z", "a\tb")])).0,
                [("x-z", Cow::Borrowed("a\tb"))],
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_huge_header_is_dropped_and_the_dispatchers_own_come_first() {
        let large = "v".repeat(2000);
        let names: Vec<String> = (0..20).map(|number| format!("a-{number}")).collect();
        let mut pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), large.as_str())).collect();
        let huge = "v".repeat(2048);
        pairs.extend([("x-huge", huge.as_str()), ("x-vwd-tenant-id", "t"), ("x-vwd-signature-v1", "s")]);
        let headers = headers(&pairs);
        let kept = kept(&headers).0;
        let is_kept = |wanted: &str| kept.iter().any(|(name, _)| *name == wanted);
        assert!(is_kept("x-vwd-tenant-id") && is_kept("x-vwd-signature-v1") && !is_kept("x-huge"));
        let sum: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!((14 * 1024..=16 * 1024).contains(&sum), "{sum}");
    }
}
