//! The shape of a JSON text: the names and types of its fields, never a value.

use crate::json::{JsonType, Types};
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Levels of objects and arrays that are read.
const MAX_DEPTH: usize = 4;
/// The most pointers of one shape.
const MAX_POINTERS: usize = 64;
/// Elements of an array that are read.
const MAX_ELEMENTS: usize = 16;
/// Stands for any element of an array in a pointer.
pub const ANY_ELEMENT: &str = "*";
/// Stands for a name that may be a value, such as the number of an account, in a pointer.
pub const HIDDEN_NAME: &str = "?";
/// The longest name that is shown, in characters.
const MAX_NAME_LENGTH: usize = 48;
/// This many digits in a row may be somebody's number.
const DIGITS_OF_A_NUMBER: usize = 4;
const HASH_DIGITS: usize = 12;

/// The types found at each JSON pointer (RFC 6901), with `*` for any element of an array. The whole
/// has the empty pointer. Deep, long and wide texts are cut.
///
/// As text: `object /accountCd:string /rows:array /rows/*:number`. The text is the same for any
/// order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Shape(BTreeMap<String, Types>);

impl Shape {
    /// `None` if the text is not JSON.
    pub fn of(json: &str) -> Option<Self> {
        let mut shape = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Place { shape: &mut shape, pointer: "", depth: 0 }.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(shape)
    }

    /// Each pointer with its types, sorted by pointer.
    pub fn pointers(&self) -> impl Iterator<Item = (&str, Types)> {
        self.0.iter().map(|(pointer, types)| (pointer.as_str(), *types))
    }

    /// The types at a pointer; none if it does not exist.
    pub fn types(&self, pointer: &str) -> Types {
        self.0.get(pointer).copied().unwrap_or_default()
    }

    /// The same with `?` for each name that may be a value. A name is shown if it has only letters,
    /// digits, `_`, `-`, `.`, `$` and `@`, is not too long, has no number of four digits and is no
    /// e-mail address.
    #[must_use]
    pub fn without_names_that_may_be_values(&self) -> Self {
        let mut clean = Self::default();
        for (pointer, types) in &self.0 {
            let names = pointer.split('/').map(|name| if is_harmless(name) { name } else { HIDDEN_NAME });
            clean.add(names.collect::<Vec<_>>().join("/"), *types);
        }
        clean
    }

    /// A short, stable hash: the first 12 hex digits of the text's SHA-256.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_string());
        digest[..HASH_DIGITS / 2].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn add(&mut self, pointer: String, types: Types) {
        if self.0.len() < MAX_POINTERS || self.0.contains_key(&pointer) {
            self.0.entry(pointer).or_default().extend(types);
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (pointer, types)) in self.0.iter().enumerate() {
            let (blank, colon) = (if at == 0 { "" } else { " " }, if pointer.is_empty() { "" } else { ":" });
            write!(f, "{blank}{pointer}{colon}{types}")?;
        }
        Ok(())
    }
}

/// Whether it cannot be anything but a name.
pub(crate) fn is_harmless(name: &str) -> bool {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "_-.$@".contains(c);
    let digits = name.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    let is_element = name == ANY_ELEMENT;
    let is_short = name.len() <= MAX_NAME_LENGTH && digits < DIGITS_OF_A_NUMBER;
    is_element || (is_short && name.chars().all(is_of_a_name) && !name.trim_start_matches('@').contains('@'))
}

/// A place in the text that is read next.
struct Place<'a> {
    shape: &'a mut Shape,
    pointer: &'a str,
    depth: usize,
}

impl Place<'_> {
    fn found(self, one: JsonType) {
        self.shape.add(self.pointer.to_owned(), one.into());
    }

    fn inside(&mut self, name: &str) -> String {
        let name = name.replace('~', "~0").replace('/', "~1");
        format!("{}/{name}", self.pointer)
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.found(JsonType::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.found(JsonType::Boolean);
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.found(JsonType::Number);
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.found(JsonType::Number);
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.found(JsonType::Number);
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.found(JsonType::String);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.shape.add(self.pointer.to_owned(), JsonType::Array.into());
        let (inside, depth) = (self.inside(ANY_ELEMENT), self.depth + 1);
        if depth <= MAX_DEPTH {
            for _ in 0..MAX_ELEMENTS {
                let place = Place { shape: &mut *self.shape, pointer: &inside, depth };
                if elements.next_element_seed(place)?.is_none() {
                    return Ok(());
                }
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        self.shape.add(self.pointer.to_owned(), JsonType::Object.into());
        let depth = self.depth + 1;
        while let Some(Name(name)) = fields.next_key()? {
            if depth > MAX_DEPTH || self.shape.0.len() >= MAX_POINTERS {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let inside = self.inside(&name);
            fields.next_value_seed(Place { shape: &mut *self.shape, pointer: &inside, depth })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(json: &str) -> String {
        Shape::of(json).map(|shape| shape.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_shape_has_names_and_types_and_no_value() {
        let json =
            r#"{"accountCd": "1920", "data": {"on": true, "note": null}, "sum": 1.5, "rows": [1, "x", {"a": []}]}"#;
        assert_eq!(
            text(json),
            "object /accountCd:string /data:object /data/note:null /data/on:boolean /rows:array \
             /rows/*:number|object|string /rows/*/a:array /sum:number"
        );
        assert_eq!((text("[]"), text("5"), text("null")), ("array".into(), "number".into(), "null".into()));
        assert_eq!((text("-5"), text("1e9")), ("number".into(), "number".into()));
    }

    #[test]
    fn a_pointer_tells_its_types() {
        let shape = Shape::of(r#"[{"a": 1}, {"a": null}]"#).unwrap();
        assert_eq!(shape.types("/*/a").iter().collect::<Vec<_>>(), [JsonType::Null, JsonType::Number]);
        assert!(shape.types("/*/b").iter().next().is_none());
        assert_eq!(serde_json::to_value(&shape).unwrap()["/*/a"], serde_json::json!(["null", "number"]));
        assert_eq!(shape.pointers().map(|(pointer, _)| pointer).collect::<Vec<_>>(), ["", "/*", "/*/a"]);
    }

    #[test]
    fn the_order_of_the_fields_does_not_matter_and_a_type_does() {
        let hash = |json: &str| Shape::of(json).unwrap().hash();
        assert_eq!(hash(r#"{"a": 1, "b": "x"}"#), hash(r#"{"b": "y", "a": 2}"#));
        assert_ne!(hash(r#"{"a": 1}"#), hash(r#"{"a": "1"}"#));
        assert_eq!(hash("{}").len(), HASH_DIGITS);
        assert_eq!(hash("{}"), "2958d416d08a");
    }

    #[test]
    fn a_name_is_written_as_a_json_pointer_has_it() {
        assert_eq!(text(r#"{"a/b~c": 1}"#), "object /a~1b~0c:number");
        assert_eq!(text(r#"{"\u0061": 1}"#), "object /a:number");
    }

    #[test]
    fn hides_names_that_may_be_values() {
        let names = ["1920", "a@b.se", "Kari Nordmann", "10285f6a", "x".repeat(49).as_str()].map(str::to_owned);
        for name in names {
            let json = serde_json::json!({ "rows": { name.as_str(): { "amount": 1 } } }).to_string();
            let clean = Shape::of(&json).unwrap().without_names_that_may_be_values().to_string();
            assert_eq!(clean, "object /rows:object /rows/?:object /rows/?/amount:number", "{name}");
        }
        let kept = r#"{"@odata.type": "", "account_cd": 1, "line-2": [1]}"#;
        assert_eq!(text(kept), Shape::of(kept).unwrap().without_names_that_may_be_values().to_string());
    }

    #[test]
    fn cuts_deep_long_and_wide_texts() {
        assert_eq!(
            text(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#),
            "object /a:object /a/b:object /a/b/c:object /a/b/c/d:object"
        );
        assert_eq!(text("[[[[[1]]]]]"), "array /*:array /*/*:array /*/*/*:array /*/*/*/*:array");
        let wide: serde_json::Map<_, _> = (0..500).map(|at| (format!("f{at}"), at.into())).collect();
        let wide = serde_json::Value::from(wide).to_string();
        assert_eq!(Shape::of(&wide).unwrap().pointers().count(), MAX_POINTERS);
        let lists: serde_json::Map<_, _> = (0..500).map(|at| (format!("f{at}"), vec![at].into())).collect();
        let lists = serde_json::Value::from(lists).to_string();
        assert_eq!(Shape::of(&lists).unwrap().pointers().count(), MAX_POINTERS);
        let long = format!("[{}null]", "1,".repeat(MAX_ELEMENTS));
        assert_eq!(text(&long), "array /*:number");
    }

    #[test]
    fn text_that_is_not_json_has_no_shape() {
        for json in ["", "{", "{} {}", "[1", &"[".repeat(200_000)] {
            assert_eq!(Shape::of(json), None);
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_limits(json in ".{0,200}") {
            let _ = Shape::of(&json);
        }

        #[test]
        fn a_value_never_shows(value in "[a-z]{12}") {
            let json = serde_json::json!({ "a": value, "b": [value], "c": { "d": value } }).to_string();
            prop_assert!(!text(&json).contains(&value));
        }
    }
}
