//! What serde does not do for JSON: structures that are read from objects only, what is wrong with
//! a document, and the types of values.

use crate::words::words;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer, forward_to_deserialize_any};
use serde_json::Error;
use std::fmt;

/// Implements `Deserialize` for structures that derive it with `#[serde(remote = "Self")]`. They
/// refuse a list like any other value of a wrong type.
#[macro_export]
macro_rules! from_objects {
    ($($name:ident),+) => {
        $(
            impl<'de> ::serde::Deserialize<'de> for $name {
                fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    // With `remote`, the derived function belongs to the type itself, not to the trait.
                    Self::deserialize($crate::ObjectOnly(deserializer))
                }
            }
        )+
    };
}

/// Reads a structure from an object only.
#[derive(Debug)]
pub struct ObjectOnly<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, NoList(visitor))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    // Structures do not ask for these.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// It has no `visit_seq`, so a list is an error.
struct NoList<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for NoList<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongJson {
    /// It is no JSON. The error has the line and the column.
    Syntax,
    FieldMissing(String),
    FieldTwice(String),
    FieldUnknown,
    /// A text that is none of the known words. It has what serde expects.
    ValueUnknown(String),
    /// It has what serde expects, in words that are not specific to Rust.
    Type(String),
    /// The text of a check by the type itself. It may contain values.
    Other(String),
}

impl WrongJson {
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if !error.is_data() {
            return Self::Syntax;
        }
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        let named = || text.split('`').nth(1).unwrap_or_default().to_owned();
        let expected = text.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
        let is = |kind: &str| text.starts_with(kind);
        if is("missing field") {
            Self::FieldMissing(named())
        } else if is("duplicate field") {
            Self::FieldTwice(named())
        } else if is("unknown field") {
            Self::FieldUnknown
        } else if is("unknown variant") {
            Self::ValueUnknown(expected.to_owned())
        } else if is("invalid type") || is("invalid value") || is("invalid length") {
            Self::Type(plain(expected).to_owned())
        } else {
            Self::Other(text.to_owned())
        }
    }
}

fn plain(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "usize" => "a whole number, not below 0",
        _ if expected.starts_with("struct ") || expected == "a map" => "an object",
        _ if expected.contains("RFC3339") => "a time such as 2026-11-24T12:00:00Z",
        _ => expected,
    }
}

words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum JsonType {
        Array = "array",
        Boolean = "boolean",
        Null = "null",
        Number = "number",
        Object = "object",
        String = "string",
    }
}

/// A set of types. As text: `null|string`; as JSON: `["null", "string"]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Types(u8);

impl Types {
    pub fn contains(self, one: JsonType) -> bool {
        self.0 & Self::from(one).0 != 0
    }

    pub fn iter(self) -> impl Iterator<Item = JsonType> {
        JsonType::ALL.into_iter().filter(move |one| self.contains(*one))
    }

    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl From<JsonType> for Types {
    fn from(one: JsonType) -> Self {
        Self(1 << one as u8)
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { "|" }, one.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Types {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, remote = "Self")]
    struct Outer {
        name: Option<String>,
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, remote = "Self")]
    struct Inner {
        numbers: Vec<u8>,
    }

    crate::from_objects!(Outer, Inner);

    #[test]
    fn reads_objects_and_refuses_lists_at_each_depth() {
        let read = |json: &str| serde_json::from_str::<Outer>(json);
        let whole = Outer { name: Some("a".to_owned()), inner: Inner { numbers: vec![1, 2] } };
        assert_eq!(read(r#"{"name": "a", "inner": {"numbers": [1, 2]}}"#).unwrap(), whole);
        assert_eq!(read("{}").unwrap(), Outer::default());
        for (json, structure) in
            [("[]", "Outer"), (r#"["a"]"#, "Outer"), (r#"{"inner": []}"#, "Inner"), (r#"{"inner": [[1, 2]]}"#, "Inner")]
        {
            let told = read(json).unwrap_err().to_string();
            let words = format!("invalid type: sequence, expected struct {structure} at line 1");
            assert!(told.starts_with(&words), "{json}: {told}");
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, remote = "Self")]
    struct Document {
        name: String,
        #[serde(default)]
        size: u16,
        #[serde(default)]
        list: Vec<bool>,
        #[serde(default)]
        colour: Option<Colour>,
    }

    crate::from_objects!(Document);

    #[test]
    fn says_what_is_wrong_without_the_values() {
        let of = |text: &str| WrongJson::of(&serde_json::from_str::<Document>(text).unwrap_err());
        let text = str::to_owned;
        for (document, wrong) in [
            (r#"{"name": "canary""#, WrongJson::Syntax),
            (r#"{}"#, WrongJson::FieldMissing(text("name"))),
            (r#"{"name": "a", "name": "b"}"#, WrongJson::FieldTwice(text("name"))),
            (r#"{"canary": 1}"#, WrongJson::FieldUnknown),
            (r#"{"name": "a", "colour": "canary"}"#, WrongJson::ValueUnknown(text("`red` or `blue`"))),
            (r#"{"name": 7}"#, WrongJson::Type(text("a text"))),
            (
                r#"{"name": "a", "size": "canary, expected canary"}"#,
                WrongJson::Type(text("a whole number from 0 to 65535")),
            ),
            (r#"{"name": "a", "list": ["canary"]}"#, WrongJson::Type(text("true or false"))),
            (r#"{"name": "a", "list": "canary"}"#, WrongJson::Type(text("a list"))),
            (r#""canary""#, WrongJson::Type(text("an object"))),
            (r#"["canary"]"#, WrongJson::Type(text("an object"))),
        ] {
            assert_eq!(of(document), wrong, "{document}");
        }
    }

    #[test]
    fn names_what_is_expected_without_words_of_rust() {
        for (expected, words) in [
            ("a map", "an object"),
            ("struct Document", "an object"),
            ("u32", "a whole number, not below 0"),
            ("usize", "a whole number, not below 0"),
            ("an RFC3339-formatted `OffsetDateTime`", "a time such as 2026-11-24T12:00:00Z"),
            ("a tuple of size 2", "a tuple of size 2"),
        ] {
            assert_eq!(plain(expected), words);
        }
    }
}
