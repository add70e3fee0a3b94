//! Reads request bodies, and names the wrong field in errors.

use crate::problem::Problem;
use axum::body::Bytes;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// A longer name is not shown, since it may be a value pasted into the wrong place.
const LONGEST_NAME: usize = 31;

/// Reads a JSON body. An empty body reads as the default.
pub(crate) fn optional<T: DeserializeOwned + Default>(bytes: &Bytes) -> Result<T, Problem> {
    if bytes.is_empty() { Ok(T::default()) } else { required(bytes) }
}

/// Reads a JSON body.
///
/// # Errors
/// Names the field and says what is wrong with it. It never contains a value.
pub(crate) fn required<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read =
        serde_path_to_error::deserialize(&mut json).map_err(|error| wrong(&place(error.path()), error.inner()))?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

fn not_json(error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    Problem::invalid_body(format!("The body is not JSON at {place}; correct it there."))
}

/// serde's error has no kind and no field, only a text. The text begins with the kind and may
/// contain values in the middle. Only the words of serde itself are taken from it.
fn wrong(at: &str, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return not_json(error);
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let expected = text.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let named = || below(at, text.split('`').nth(1).unwrap_or_default());
    let is = |kind: &str| text.starts_with(kind);
    let called = if at.is_empty() { "The body".to_owned() } else { format!("`{at}`") };
    if is("missing field") {
        let field = named();
        Problem::invalid_field("field_missing", &field, format!("`{field}` is missing; add it."))
    } else if is("duplicate field") {
        let field = named();
        Problem::invalid_field("field_twice", &field, format!("`{field}` is given twice; keep one."))
    } else if is("unknown field") {
        Problem::unknown_field(at)
    } else if is("invalid type") || is("invalid value") || is("invalid length") {
        Problem::invalid_field("field_type", at, format!("{called} must be {}.", plain(expected)))
    } else {
        let detail =
            format!("{called} cannot be read; write it as openapi.json shows, a time as 2026-11-24T12:00:00Z.");
        Problem::invalid_field("value_invalid", at, detail)
    }
}

/// The type that serde expects, in words that are not specific to Rust.
fn plain(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u32" => "a whole number, not below 0",
        _ if expected.starts_with("struct ") || expected == "a map" => "an object",
        _ if expected.contains("RFC3339") => "a time such as 2026-11-24T12:00:00Z",
        _ => expected,
    }
}

fn place(path: &Path) -> String {
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}[{index}]"),
        Segment::Map { key } => below(&at, key),
        Segment::Enum { .. } | Segment::Unknown => at,
    })
}

/// The path of the field `name` of the object at `at`. A name that may be a value becomes `?`.
fn below(at: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-');
    let name = if name.len() <= LONGEST_NAME && name.chars().all(is_plain) { name } else { "?" };
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
