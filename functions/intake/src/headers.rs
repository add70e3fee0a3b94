//! Which headers are kept with a delivery.

use lambda_http::http::HeaderMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

const LARGEST_HEADER: usize = 2 * 1024;
const LARGEST_SUM: usize = 16 * 1024;

/// Credentials, what concerns the connection alone, and what says where the sender is.
const DROPPED: [&str; 23] = [
    "authorization",
    "cf-connecting-ip",
    "cloudfront-viewer-address",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "via",
    "x-api-key",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
];

const DISPATCHERS_OWN: &str = "x-vwd-";

/// In JSON a map. No name is there twice.
pub(crate) struct Kept<'r>(Vec<(&'r str, Cow<'r, str>)>);

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// By lower-case name, several values joined. The dispatcher's own come first, so that nothing else can crowd them out.
pub(crate) fn kept(headers: &HeaderMap) -> Kept<'_> {
    let mut kept: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(headers.keys_len());
    // A name's values follow one another.
    for (name, value) in headers.iter().filter(|(name, _)| is_kept(name.as_str())) {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        match kept.last_mut() {
            Some((last, all)) if *last == name => {
                *all += ", ";
                *all += value;
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
    !name.starts_with("x-forwarded-") && !DROPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn names_are_lower_case_and_several_values_are_joined() {
        let headers = headers(&[("x-multi", b"1"), ("X-VWD-Event-Id", b"A"), ("X-Multi", b"2"), ("x-multi", b"")]);
        let kept = serde_json::to_value(kept(&headers)).unwrap();
        assert_eq!(kept, serde_json::json!({"x-multi": "1, 2, ", "x-vwd-event-id": "A"}));
    }

    #[test]
    fn credentials_connection_and_addresses_are_dropped() {
        let mut pairs: Vec<(&str, &[u8])> = DROPPED.iter().map(|name| (*name, b"CANARY" as &[u8])).collect();
        pairs.extend([("X-Forwarded-For", b"CANARY" as &[u8]), ("x-forwarded-port", b"CANARY"), ("Accept", b"*/*")]);
        let headers = headers(&pairs);
        assert_eq!(kept(&headers).0, [("accept", "*/*".into())]);
    }

    #[test]
    fn what_is_not_plain_ascii_is_dropped() {
        assert_eq!(kept(&headers(&[("x-a", b"\xef\xbf\xbe"), ("x-b", b"\xff")])).0, []);
    }

    #[test]
    fn a_huge_header_is_dropped_and_the_dispatchers_own_come_first() {
        let large = vec![b'v'; 2000];
        let names: Vec<String> = (0..20).map(|number| format!("a-{number}")).collect();
        let mut pairs: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), large.as_slice())).collect();
        let huge = vec![b'v'; 2048];
        pairs.extend([("x-huge", huge.as_slice()), ("x-vwd-tenant-id", b"t"), ("x-vwd-signature-v1", b"s")]);
        let headers = headers(&pairs);
        let kept = kept(&headers).0;
        let is_kept = |wanted: &str| kept.iter().any(|(name, _)| *name == wanted);
        assert!(is_kept("x-vwd-tenant-id") && is_kept("x-vwd-signature-v1") && !is_kept("x-huge"));
        let sum: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!((14 * 1024..=16 * 1024).contains(&sum), "{sum}");
    }
}
