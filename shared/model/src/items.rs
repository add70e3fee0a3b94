//! The items of a body, read no further than is allowed.

use serde::de::{Deserializer as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;
use std::fmt;

/// How many items of one delivery are read unless the settings say otherwise. Sixteen run at a time, so
/// the function's 60 s are enough where each takes 0.9 s, and what is kept about a thousand is a
/// fraction of the body's own size.
pub const DEFAULT_MAX_ITEMS: usize = 1000;

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Items<'a> {
    /// The exact texts: of the object itself, or of each element of an array.
    Each(Vec<&'a str>),
    /// An array of more elements than were asked for.
    TooMany,
    /// Neither an object nor an array.
    NotJson,
}

impl<'a> Items<'a> {
    /// Keeps `most` texts at most. What is beyond them is checked to be JSON, and not kept.
    pub(crate) fn read(body: &'a [u8], most: usize) -> Self {
        let Ok(text) = std::str::from_utf8(body) else { return Self::NotJson };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            let whole = serde_json::from_str::<&RawValue>(text);
            return whole.map_or(Self::NotJson, |whole| Self::Each(vec![whole.get()]));
        }
        let mut json = Deserializer::from_str(text);
        match json.deserialize_seq(UpTo(most)).and_then(|items| json.end().map(|()| items)) {
            Ok(Some(items)) => Self::Each(items),
            Ok(None) => Self::TooMany,
            Err(_) => Self::NotJson,
        }
    }
}

/// Reads an array to its end. `None` where there are more elements than that.
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

    #[test]
    fn as_many_items_as_are_allowed_are_read_and_one_more_is_too_many() {
        for (body, items) in [
            ("[]", Items::Each(vec![])),
            ("[1, {\"a\": 2}]", Items::Each(vec!["1", "{\"a\": 2}"])),
            ("[1,2,3]", Items::TooMany),
            ("\u{feff}\n[[1,2,3],4]", Items::Each(vec!["[1,2,3]", "4"])),
            (" {\"a\": [1,2,3]} ", Items::Each(vec!["{\"a\": [1,2,3]}"])),
        ] {
            assert_eq!(Items::read(body.as_bytes(), 2), items, "{body}");
        }
    }

    #[test]
    fn what_is_no_json_is_none_however_many_items_it_begins_with() {
        for body in ["[1,2,3", "[1,2,3]]", "[1,2,3,]", "[1,2,3] {}", "{} {}", "{", "5", ""] {
            assert_eq!(Items::read(body.as_bytes(), 2), Items::NotJson, "{body}");
        }
        assert_eq!(Items::read(b"\xff[]", 2), Items::NotJson);
    }

    #[test]
    fn nesting_without_end_behind_the_last_item_is_no_reason_to_overflow_the_stack() {
        let deep = format!("[1,2,{}", "[".repeat(200_000));
        assert_eq!(Items::read(deep.as_bytes(), 2), Items::NotJson);
        let closed = format!("[1,2,{}{}]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(Items::read(closed.as_bytes(), 2), Items::TooMany);
    }
}
