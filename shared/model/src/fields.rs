//! Looking a field up in a payload whose exact shape is unknown (reference 1.5): by candidates, in order, whatever the case.

use serde_json::value::RawValue;
use std::collections::HashMap;

/// The fields of one JSON object by lower-case name. Of a name given twice the last one counts, as in .NET.
pub(crate) struct Fields<'a>(HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// `None` when the text is no JSON object.
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        let fields: HashMap<String, &'a RawValue> = serde_json::from_str(json).ok()?;
        Some(Self(fields.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()))
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(&name.to_lowercase()).copied()
    }

    /// The first candidate that holds a non-empty string or a number, as text. Looks through the `{"value": x}` wrapping that
    /// some ERP answers use.
    pub(crate) fn text(&self, candidates: &[&str]) -> Option<String> {
        candidates.iter().find_map(|name| text(self.raw(name)?.get()))
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }
}

fn text(json: &str) -> Option<String> {
    let found = match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json).ok()?.trim().to_owned(),
        b'-' | b'0'..=b'9' => json.to_owned(),
        b'{' => return Fields::parse(json)?.raw("value").and_then(|inner| scalar(inner.get())),
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

fn scalar(json: &str) -> Option<String> {
    if json.starts_with('{') { None } else { text(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_tried_in_order_and_whatever_their_case() {
        let fields =
            Fields::parse(r#"{"EntityId": 17, "number": "A-1", "empty": " ", "wrapped": {"value": "w"}}"#).unwrap();
        assert_eq!(fields.text(&["missing", "entityid", "number"]).as_deref(), Some("17"));
        assert_eq!(fields.text(&["empty", "NUMBER"]).as_deref(), Some("A-1"));
        assert_eq!(fields.text(&["wrapped"]).as_deref(), Some("w"));
        assert_eq!(fields.text(&["missing"]), None);
    }

    #[test]
    fn of_a_duplicate_key_the_last_counts() {
        assert_eq!(Fields::parse(r#"{"a": 1, "a": 2}"#).unwrap().text(&["a"]).as_deref(), Some("2"));
    }

    #[test]
    fn a_big_integer_keeps_every_digit() {
        let fields = Fields::parse(r#"{"timeStamp": 637969430208130000}"#).unwrap();
        assert_eq!(fields.text(&["timestamp"]).as_deref(), Some("637969430208130000"));
    }

    #[test]
    fn only_an_object_has_fields() {
        for text in ["null", "5", "[]", "\"x\"", "{", ""] {
            assert!(Fields::parse(text).is_none(), "{text}");
        }
    }
}
