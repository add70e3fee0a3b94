//! Splits a body into items, up to a limit.

use crate::delivery::Delivery;
use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::fmt;

/// The items of a body (docs/visma-net.md#bodies).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Items<'a> {
    /// The exact text of the object itself, or of each element of an array.
    Few(Vec<&'a str>),
    /// An array with more elements than allowed.
    TooMany,
    /// Neither an object nor an array.
    Unreadable,
}

impl Delivery {
    /// The exact text of each notification: the object itself, or the elements of an array
    /// (docs/visma-net.md#bodies). `None` if the body is neither.
    pub fn items(&self) -> Option<Vec<&str>> {
        match self.items_within(usize::MAX) {
            Items::Few(items) => Some(items),
            Items::TooMany | Items::Unreadable => None,
        }
    }

    /// The same, for at most `most` items. It parses further items to check that they are JSON, but
    /// does not keep them.
    pub fn items_within(&self, most: usize) -> Items<'_> {
        let Ok(text) = std::str::from_utf8(&self.body) else { return Items::Unreadable };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            let whole = serde_json::from_str::<&RawValue>(text);
            return whole.map_or(Items::Unreadable, |whole| Items::Few(vec![whole.get()]));
        }
        let mut json = Deserializer::from_str(text);
        match json.deserialize_seq(UpTo(most)).and_then(|items| json.end().map(|()| items)) {
            Ok(Some(items)) => Items::Few(items),
            Ok(None) => Items::TooMany,
            Err(_) => Items::Unreadable,
        }
    }
}

/// Reads an array to its end. Returns `None` if it has more elements than this.
struct UpTo(usize);

impl<'de> Visitor<'de> for UpTo {
    type Value = Option<Vec<&'de str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.0 {
            match seq.next_element::<&'de RawValue>()? {
                Some(item) => items.push(item.get()),
                None => return Ok(Some(items)),
            }
        }
        let mut is_more = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            is_more = true;
        }
        Ok((!is_more).then_some(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;

    #[test]
    fn an_object_is_one_item_and_an_array_is_its_elements() {
        let items = |body: &str| {
            delivery(body.as_bytes()).items().map(|items| items.iter().map(|i| i.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(items(r#" {"a": 1} "#), Some(vec![r#"{"a": 1}"#.to_owned()]));
        assert_eq!(items(r#"[{"a": 1} , 5]"#), Some(vec![r#"{"a": 1}"#.to_owned(), "5".to_owned()]));
        assert_eq!(items("[]"), Some(vec![]));
        for text in ["", "null", "5", "\"x\"", "{", "[1", "{} {}"] {
            assert_eq!(items(text), None, "{text}");
        }
        assert!(delivery(b"\xff{}").items().is_none());
    }

    #[test]
    fn reads_the_allowed_number_of_items_and_no_more() {
        for (body, items) in [
            ("[]", Items::Few(vec![])),
            ("[1, {\"a\": 2}]", Items::Few(vec!["1", "{\"a\": 2}"])),
            ("[1,2,3]", Items::TooMany),
            ("\u{feff}\n[[1,2,3],4]", Items::Few(vec!["[1,2,3]", "4"])),
            (" {\"a\": [1,2,3]} ", Items::Few(vec!["{\"a\": [1,2,3]}"])),
        ] {
            assert_eq!(delivery(body.as_bytes()).items_within(2), items, "{body}");
        }
    }

    #[test]
    fn broken_json_is_unreadable_even_with_too_many_items() {
        for body in ["[1,2,3", "[1,2,3]]", "[1,2,3,]", "[1,2,3] {}", "{} {}", "{", "5", ""] {
            assert_eq!(delivery(body.as_bytes()).items_within(2), Items::Unreadable, "{body}");
        }
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = "[".repeat(200_000);
        assert!(delivery(deep.as_bytes()).items().is_none());
        let behind = format!("[1,2,{deep}{}]", "]".repeat(200_000));
        assert_eq!(delivery(behind.as_bytes()).items_within(2), Items::TooMany);
    }
}
