//! Finds fields in a payload of unknown shape (docs/visma-net.md#bodies). Tries candidate names in
//! order and ignores case.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The fields of one JSON object, in the order of the text. If a name occurs twice, in any case,
/// the last one counts, as in .NET. This is a list instead of a map, since objects are small and
/// read only a few times.
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// `None` if the text is not a JSON object.
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Names and raw values, in the order of the text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.get()))
    }

    /// The first candidate with a non-empty string or a number, as text. Also reads the form
    /// `{"value": x}` of some ERP answers.
    pub(crate) fn text(&self, candidates: &[&str]) -> Option<String> {
        candidates.iter().find_map(|name| text(self.raw(name)?.get()))
    }

    /// The text or number at this path of names, from the outermost inwards. Ignores case. In a
    /// list, a name is an index from 0.
    pub(crate) fn at<'n>(&self, mut names: impl Iterator<Item = Cow<'n, str>>) -> Option<String> {
        let outermost = self.raw(&names.next()?)?;
        text(names.try_fold(outermost, |value, name| child(value, &name))?.get())
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object).map(Fields)
    }
}

struct Object;

/// Borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Object {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(fields)
    }
}

fn child<'a>(value: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    if value.get().starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
        return elements.get(name.parse::<usize>().ok()?).copied();
    }
    Fields::parse(value.get())?.raw(name)
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
    fn candidates_are_tried_in_order_ignoring_case() {
        let fields =
            Fields::parse(r#"{"EntityId": 17, "number": "A-1", "empty": " ", "wrapped": {"value": "w"}}"#).unwrap();
        assert_eq!(fields.text(&["missing", "entityid", "number"]).as_deref(), Some("17"));
        assert_eq!(fields.text(&["empty", "NUMBER"]).as_deref(), Some("A-1"));
        assert_eq!(fields.text(&["wrapped"]).as_deref(), Some("w"));
        assert_eq!(fields.text(&["missing"]), None);
    }

    #[test]
    fn the_last_of_duplicate_keys_counts() {
        assert_eq!(Fields::parse(r#"{"a": 1, "a": 2}"#).unwrap().text(&["a"]).as_deref(), Some("2"));
    }

    #[test]
    fn the_last_of_keys_that_differ_in_case_counts() {
        let json = r#"{"event": 1, "Event": 2, "EVENT": 3, "eVent": 4, "b": 0}"#;
        for _ in 0..50 {
            assert_eq!(Fields::parse(json).unwrap().text(&["event"]).as_deref(), Some("4"));
        }
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        assert_eq!(Fields::parse(r#"{"\u0065vent": 1}"#).unwrap().text(&["event"]).as_deref(), Some("1"));
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
