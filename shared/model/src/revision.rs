//! Distinguishes the states of a resource by time of modification, row version and content.

use crate::clock::{Clock, Stamp};
use crate::fields::Fields;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A longer row version is left out, so that the head stays small.
const LONGEST_ETAG: usize = 32;
/// Bytes of the content's hash. It only has to distinguish the states of one entity.
const CONTENT_LENGTH: usize = 6;
/// Fields that may change while nothing else does.
const STAMPS: [&str; 6] = ["lastModifiedDateTime", "lastModified", "timeStamp", "version", "metadata", "errorInfo"];

/// The parts that stay the same when only the time of modification was touched
/// (docs/visma-net.md#mass-changes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// The row version in base64: `timeStamp`, `version` of version 3
    /// (docs/visma-net.md#row-versions, docs/visma-net.md#sales-orders-version-3), or the text of
    /// the ETag header.
    pub etag: Option<String>,
    /// A short hash of all fields but the stamps.
    pub content: Option<String>,
}

impl Revision {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        let mut hash = Sha256::new();
        for (name, value) in fields.iter().filter(|(name, _)| !STAMPS.iter().any(|s| s.eq_ignore_ascii_case(name))) {
            hash.update(name);
            hash.update([0]);
            hash.update(value);
            hash.update([0]);
        }
        let content = URL_SAFE_NO_PAD.encode(&hash.finalize()[..CONTENT_LENGTH]);
        Self { etag: fields.text(&["timeStamp", "version"]).filter(|etag| is_etag(etag)), content: Some(content) }
    }

    /// Adds the ETag header of the answer, for a body without a row version. Leaves out quotes and
    /// `W/`.
    pub(crate) fn or_etag(self, header: &str) -> Self {
        let etag = header.trim().trim_start_matches("W/").trim_matches('"');
        Self { etag: self.etag.or_else(|| is_etag(etag).then(|| etag.to_owned())), ..self }
    }

    /// Whether the row version or the content shows that nothing changed. One that is missing on
    /// either side shows nothing.
    pub fn is_same(&self, etag: Option<&str>, content: Option<&str>) -> bool {
        let same = |one: &Option<String>, other: Option<&str>| one.is_some() && one.as_deref() == other;
        same(&self.etag, etag) || same(&self.content, content)
    }
}

/// The time of a resource, read by the clock that wrote it. No other code reads it.
pub(crate) fn modified(fields: &Fields<'_>, clock: &Clock) -> Option<Stamp> {
    clock.read(&modified_text(fields)?)
}

/// The same as text: `lastModifiedDateTime`, or `lastModified` of version 3.
pub(crate) fn modified_text(fields: &Fields<'_>) -> Option<String> {
    fields.text(&["lastModifiedDateTime", "lastModified"])
}

fn is_etag(text: &str) -> bool {
    (1..=LONGEST_ETAG).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Revision {
        Revision::read(&Fields::parse(json).unwrap())
    }

    #[test]
    fn the_row_version_is_read_under_either_name_or_from_the_header() {
        assert_eq!(of(r#"{"timeStamp": "AAAAAAAB4kA="}"#).etag.as_deref(), Some("AAAAAAAB4kA="));
        assert_eq!(of(r#"{"version": "AAAAAAAB4kA="}"#).etag.as_deref(), Some("AAAAAAAB4kA="));
        assert_eq!(of("{}").or_etag("W/\"abc\"").etag.as_deref(), Some("abc"));
        assert_eq!(of(r#"{"timeStamp": "1"}"#).or_etag("\"2\"").etag.as_deref(), Some("1"));
        for odd in ["", "\"\"", "a b", &"x".repeat(33)] {
            assert_eq!(of("{}").or_etag(odd).etag, None, "{odd}");
        }
    }

    #[test]
    fn every_field_except_stamps_is_content() {
        let before = of(r#"{"number": "1", "lastModifiedDateTime": "a", "timeStamp": "1"}"#);
        let stamped = of(r#"{"number": "1", "lastModifiedDateTime": "b", "timeStamp": "2", "metadata": {}}"#);
        assert_eq!(before.content, stamped.content);
        assert!(before.is_same(Some("other"), stamped.content.as_deref()));
        let changed = of(r#"{"number": "1", "name": "b", "timeStamp": "2"}"#);
        assert!(!before.is_same(changed.etag.as_deref(), changed.content.as_deref()));
    }

    #[test]
    fn a_missing_row_version_or_content_proves_nothing() {
        let nothing = Revision::default();
        assert!(!nothing.is_same(None, None));
        assert!(!of("{}").is_same(None, None));
    }
}
