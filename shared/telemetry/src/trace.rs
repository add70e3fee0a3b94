//! The trace of a notification.

use std::sync::Arc;

const LONGEST: usize = 256;

/// An X-Ray header, `Root=1-…;Parent=…;Sampled=…`. It may begin with what the API's caller sent, so
/// it is kept only if it is safe to log and valid for SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(Arc<str>);

impl Trace {
    pub fn parse(header: &str) -> Option<Self> {
        let is_plain = header.bytes().all(|b| b.is_ascii_alphanumeric() || b"=;:-_.".contains(&b));
        (header.len() <= LONGEST && is_plain && root(header).is_some()).then(|| Self(header.into()))
    }

    pub fn header(&self) -> &str {
        &self.0
    }

    /// The id that all lines and segments of a trace share.
    pub fn id(&self) -> &str {
        root(&self.0).unwrap_or_default()
    }
}

/// `1-{8 hex digits}-{24 hex digits}`.
pub(crate) fn root(header: &str) -> Option<&str> {
    let root = header.split(';').find_map(|part| part.strip_prefix("Root="))?;
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    (is_hex(time, 8) && is_hex(random, 24)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn a_header_is_kept_whole_and_its_root_is_the_id() {
        let header = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:2b3c4d5e:0");
        let trace = Trace::parse(&header).unwrap();
        assert_eq!((trace.header(), trace.id()), (header.as_str(), ROOT));
        assert_eq!(Trace::parse(&format!("Self=1-2-3;Root={ROOT}")).unwrap().id(), ROOT);
    }

    #[test]
    fn ignores_malformed_headers() {
        let long = format!("Root={ROOT};{}", "a".repeat(256));
        let texts = [
            "",
            ROOT,
            "Root=1-5759e988-short",
            "Root=canary",
            &format!("Root={ROOT};a=\"b\""),
            &format!("Root={ROOT}\n"),
            &long,
        ];
        for text in texts {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_the_id_has_the_form_of_one(text in "(Root=)?1-[0-9a-f]{7,8}-[0-9a-f]{24};?.{0,10}") {
            if let Some(trace) = Trace::parse(&text) {
                prop_assert_eq!(trace.id().len(), 35);
            }
        }
    }
}
