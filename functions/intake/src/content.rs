//! Which bodies are looked at at all.

use crate::problem::Problem;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

/// # Errors
/// The body is too large, compressed, or declared to be anything but JSON. A body without a declaration passes.
pub(crate) fn check(headers: &HeaderMap, length: usize, max_length: usize) -> Result<(), Problem> {
    if length > max_length {
        return Err(Problem::BodyTooLarge);
    }
    if !every_value(headers, &CONTENT_ENCODING, |encoding| encoding.eq_ignore_ascii_case("identity")) {
        return Err(Problem::ContentEncodingUnsupported);
    }
    if !every_value(headers, &CONTENT_TYPE, is_json) {
        return Err(Problem::ContentTypeUnsupported);
    }
    Ok(())
}

fn every_value(headers: &HeaderMap, name: &HeaderName, allows: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| {
        let Ok(value) = value.to_str() else { return false };
        value.trim().is_empty() || allows(value.trim())
    })
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.split_once('/') {
        Some(("application" | "text", "json")) => true,
        Some(("application", subtype)) => {
            let name = subtype.strip_suffix("+json").unwrap_or_default();
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_with(name: HeaderName, value: &str) -> Result<(), Problem> {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        check(&headers, 2, 2)
    }

    #[test]
    fn json_passes_however_it_is_declared() {
        assert_eq!(check(&HeaderMap::new(), 2, 2), Ok(()));
        for json in [
            "application/json",
            "APPLICATION/JSON ; charset=\"utf-16\"",
            "text/json;charset=iso-8859-1",
            "application/vnd.visma.webhook+json; v=1",
            "application/cloudevents+json",
            "",
        ] {
            assert_eq!(check_with(CONTENT_TYPE, json), Ok(()), "{json}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for other in [
            "application/xml",
            "text/plain",
            "text/html",
            "text/x+json",
            "multipart/form-data; boundary=application/json",
            "application/x-www-form-urlencoded",
            "application/+json",
            "application/jsonp",
            "application/json, text/html",
            "text/html, application/x+json",
            "json",
            ";",
        ] {
            assert_eq!(check_with(CONTENT_TYPE, other), Err(Problem::ContentTypeUnsupported), "{other}");
        }
    }

    #[test]
    fn a_compressed_body_does_not() {
        for encoding in ["identity", "Identity", ""] {
            assert_eq!(check_with(CONTENT_ENCODING, encoding), Ok(()), "{encoding}");
        }
        for encoding in ["gzip", "br", "identity, gzip", "gzip, identity"] {
            assert_eq!(check_with(CONTENT_ENCODING, encoding), Err(Problem::ContentEncodingUnsupported), "{encoding}");
        }
    }

    #[test]
    fn the_limit_itself_passes_and_one_byte_more_does_not() {
        assert_eq!(check(&HeaderMap::new(), 10, 10), Ok(()));
        assert_eq!(check(&HeaderMap::new(), 11, 10), Err(Problem::BodyTooLarge));
    }
}
