//! Reads from serde's error what is wrong with a JSON document. The error has no field for that, only
//! a text. The text begins with the kind of mistake and may contain values of the document. So only
//! serde's own words are read from it.

use serde_json::Error;

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

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
}
