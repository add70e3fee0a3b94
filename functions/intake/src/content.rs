//! Rejects bodies by size, encoding and content type. None of this proves the sender.

use crate::event::Body;
use crate::headers::Headers;
use crate::problem::Problem;
use webhooks_model::Channel;

/// # Errors
/// The body is too large to store. This check comes before that of the signature, whose cost grows
/// with the body.
pub(crate) fn check_size(length: usize, most: usize) -> Result<(), Problem> {
    if length > most { Err(Problem::BodyTooLarge) } else { Ok(()) }
}

/// Checks what the sender says about the body, once the sender is known.
///
/// A signature proves that the bytes are Visma Net's, so their declared type does not matter:
/// .NET's default is `text/plain`. A path token proves only the sender, and a declared type that
/// cannot be JSON comes from another client.
///
/// # Errors
/// The body is compressed, or an unsigned one is declared as neither JSON nor plain text.
pub(crate) fn check_kind(channel: Channel, headers: &Headers, body: &Body) -> Result<(), Problem> {
    let is_plain = |encoding: &str| encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
    // A proxy may unpack a body and keep the header. Text is never compressed.
    if !headers.all("content-encoding").all(is_plain) && !body.is_text() {
        return Err(Problem::ContentEncodingUnsupported);
    }
    let is_signed = channel == Channel::Dispatcher;
    if !is_signed && !headers.all("content-type").all(may_be_json) {
        return Err(Problem::ContentTypeUnsupported);
    }
    Ok(())
}

fn may_be_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.split_once('/') {
        Some(("application" | "text", "json") | ("text", "plain")) => true,
        Some(("application", subtype)) => {
            let name = subtype.strip_suffix("+json").unwrap_or_default();
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        }
        _ => content_type.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(channel: Channel, name: &str, value: &str, body: &[u8]) -> Result<(), Problem> {
        check_kind(channel, &Headers::from_iter([(name, value)]), &Body::Bytes(body.to_vec()))
    }

    fn check_type(channel: Channel, value: &str) -> Result<(), Problem> {
        check(channel, "content-type", value, b"{}")
    }

    #[test]
    fn an_unsigned_body_may_be_declared_json_plain_text_or_nothing() {
        assert_eq!(check_kind(Channel::Legacy, &Headers::default(), &Body::Bytes(vec![])), Ok(()));
        for json in [
            "application/json",
            "APPLICATION/JSON ; charset=\"utf-16\"",
            "text/json;charset=iso-8859-1",
            "text/plain; charset=utf-8",
            "application/vnd.visma.webhook+json; v=1",
            "application/cloudevents+json",
            "",
            " ",
        ] {
            assert_eq!(check_type(Channel::Legacy, json), Ok(()), "{json}");
        }
    }

    #[test]
    fn rejects_other_types_of_unsigned_bodies_only() {
        for other in [
            "application/xml",
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
            "a\u{7f}b",
        ] {
            assert_eq!(check_type(Channel::Legacy, other), Err(Problem::ContentTypeUnsupported), "{other}");
            assert_eq!(check_type(Channel::Dispatcher, other), Ok(()), "{other}");
        }
    }

    #[test]
    fn rejects_compressed_bodies() {
        let gzip = b"\x1f\x8b\x08\0\0\0\0\0";
        for channel in [Channel::Dispatcher, Channel::Legacy] {
            for encoding in ["gzip", "br", "identity, gzip", "gzip, identity"] {
                let refused = Err(Problem::ContentEncodingUnsupported);
                assert_eq!(check(channel, "content-encoding", encoding, gzip), refused, "{encoding}");
                assert_eq!(check(channel, "content-encoding", encoding, b"{}"), Ok(()), "{encoding}");
            }
            for encoding in ["identity", "Identity", "", "utf-8"] {
                assert_eq!(check(channel, "content-encoding", encoding, b"{}"), Ok(()), "{encoding}");
            }
        }
    }

    #[test]
    fn accepts_a_body_up_to_the_limit() {
        assert_eq!(check_size(10, 10), Ok(()));
        assert_eq!(check_size(11, 10), Err(Problem::BodyTooLarge));
    }
}
