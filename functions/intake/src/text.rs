//! Reads texts of an event, whatever bytes they have.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A JSON string. Its bytes may be invalid UTF-8, and its escapes unpaired surrogates. `null`
/// counts as absent.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes(text.as_bytes().to_vec()))
            }
        }

        deserializer.deserialize_bytes(Text)
    }
}

impl Bytes {
    /// Invalid UTF-8 becomes U+FFFD, which no name, path, address or signature contains.
    fn into_string(self) -> String {
        String::from_utf8(self.0).unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned())
    }
}

pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    Ok(Option::<Bytes>::deserialize(deserializer)?.map_or_else(Vec::new, |bytes| bytes.0))
}

pub(crate) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<Bytes>::deserialize(deserializer)?.map_or_else(String::new, Bytes::into_string))
}

/// The entries of a map of texts, in order. Leaves out `null` values.
pub(crate) fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of texts")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some((name, value)) = map.next_entry::<Bytes, Option<Bytes>>()? {
                pairs.extend(value.map(|value| (name.into_string(), value.into_string())));
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_any(Pairs)
}

pub(crate) fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(pairs(deserializer)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &[u8]) -> Result<Vec<(String, String)>, serde_json::Error> {
        pairs(&mut serde_json::Deserializer::from_slice(json))
    }

    #[test]
    fn any_bytes_in_a_text_are_readable() {
        for (json, expected) in [
            (&b"{\"a\":\"Beno\xeet\"}"[..], "Beno\u{fffd}t"),
            (b"{\"a\":\"b\\u0000c\\n\"}", "b\0c\n"),
            (b"{\"a\":\"Troms\\u00f8\"}", "Troms\u{f8}"),
            (b"{\"a\":\"\\ud83d\\ude92\"}", "\u{1f692}"),
        ] {
            assert_eq!(read(json).unwrap(), [("a".to_owned(), expected.to_owned())]);
        }
        let alone = read(b"{\"a\":\"\\ud83d\", \"\xee\":\"b\"}").unwrap();
        assert!(alone[0].1.contains('\u{fffd}') && alone[1].0 == "\u{fffd}", "{alone:?}");
    }

    #[test]
    fn leaves_out_null_values() {
        assert_eq!(read(b"null").unwrap(), []);
        assert_eq!(read(b"{\"a\":null,\"b\":\"\"}").unwrap(), [("b".to_owned(), String::new())]);
    }
}
