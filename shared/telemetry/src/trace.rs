//! The trace of a notification.

use std::sync::Arc;

/// An X-Ray header: `Root=1-…`, then `Parent=…` and `Sampled=…` as far as they came. What comes may
/// begin with text of the API's caller, and SQS refuses a message with a malformed header. So each
/// field is kept only in the documented form, and all others are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(Arc<str>);

impl Trace {
    /// `None` without a well-formed root.
    pub fn parse(header: &str) -> Option<Self> {
        let mut kept = format!("Root={}", root(header)?);
        if let Some(parent) = field(header, "Parent=").filter(|parent| is_hex(parent, 16)) {
            kept.push_str(";Parent=");
            kept.push_str(parent);
        }
        if let Some(sampled) = field(header, "Sampled=").filter(|sampled| matches!(*sampled, "0" | "1" | "?")) {
            kept.push_str(";Sampled=");
            kept.push_str(sampled);
        }
        Some(Self(kept.into()))
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
    let root = field(header, "Root=")?;
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    (is_hex(time, 8) && is_hex(random, 24)).then_some(root)
}

fn field<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    header.split(';').find_map(|part| part.strip_prefix(name))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

    #[test]
    fn a_well_formed_header_is_kept_whole_and_its_root_is_the_id() {
        for rest in ["", ";Parent=53995c3f42cd8ad8", ";Sampled=?", ";Parent=53995c3f42cd8ad8;Sampled=1"] {
            let header = format!("Root={ROOT}{rest}");
            let trace = Trace::parse(&header).unwrap();
            assert_eq!((trace.header(), trace.id()), (header.as_str(), ROOT));
        }
    }

    #[test]
    fn leaves_out_unknown_and_malformed_fields() {
        let root = format!("Root={ROOT}");
        for (header, kept) in [
            (format!("Self=1-2-3;{root}"), root.clone()),
            (format!("{root};Sampled=0;Parent=53995C3F42CD8AD8"), format!("{root};Parent=53995C3F42CD8AD8;Sampled=0")),
            (format!("{root};Parent=53995c3f42cd8ad8;Lineage=1:2b3c4d5e:0"), format!("{root};Parent=53995c3f42cd8ad8")),
            (format!("{root};Parent=canary;Sampled=1"), format!("{root};Sampled=1")),
            (format!("{root};Parent=;Sampled=2;a=\"b\";;{}", "a".repeat(9000)), root.clone()),
        ] {
            assert_eq!(Trace::parse(&header).unwrap().header(), kept, "{header}");
        }
    }

    #[test]
    fn ignores_a_header_without_a_well_formed_root() {
        for text in ["", ROOT, "Root=1-5759e988-short", "Root=canary", &format!("Root={ROOT}\n")] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_the_id_has_the_form_of_one(text in "(Root=)?1-[0-9a-f]{7,8}-[0-9a-f]{24};?.{0,10}") {
            if let Some(trace) = Trace::parse(&text) {
                prop_assert_eq!(trace.id().len(), 35);
                prop_assert_eq!(Trace::parse(trace.header()), Some(trace));
            }
        }
    }
}
