//! Reads request bodies, and names the wrong field in errors. Writes the bodies of answers, or 304
//! if the caller has the current one.

use crate::problem::Problem;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use std::hash::{DefaultHasher, Hash, Hasher};
use webhooks_model::WrongJson;

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

/// An answer in JSON. axum's own writes to another kind of buffer than all other JSON here, so every
/// type would need more code.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        written(serde_json::to_vec(&self.0))
    }
}

fn written(json: serde_json::Result<Vec<u8>>) -> Response {
    match json {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    Problem::invalid_body(format!("The body is not JSON at {place}; correct it there."))
}

fn wrong(at: &str, error: &serde_json::Error) -> Problem {
    let called = if at.is_empty() { "The body".to_owned() } else { format!("`{at}`") };
    match WrongJson::of(error) {
        WrongJson::Syntax => not_json(error),
        WrongJson::FieldMissing(name) => {
            let field = below(at, &name);
            Problem::invalid_field("field_missing", &field, format!("`{field}` is missing; add it."))
        }
        WrongJson::FieldTwice(name) => {
            let field = below(at, &name);
            Problem::invalid_field("field_twice", &field, format!("`{field}` is given twice; keep one."))
        }
        WrongJson::FieldUnknown => Problem::unknown_field(at),
        WrongJson::Type(expected) => Problem::invalid_field("field_type", at, format!("{called} must be {expected}.")),
        WrongJson::ValueUnknown(_) | WrongJson::Other(_) => {
            let detail =
                format!("{called} cannot be read; write it as openapi.json shows, a time as 2026-11-24T12:00:00Z.");
            Problem::invalid_field("value_invalid", at, detail)
        }
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

/// A hash of the content. It only needs to tell one answer from another.
pub(crate) fn tag(content: impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Adds an `ETag` to answers of `GET`, and answers 304 if the request names the same tag.
pub(crate) async fn conditional(request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", tag(&bytes))) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let is_known = known.as_ref() == Some(&tag);
    parts.headers.insert(header::ETAG, tag);
    if !is_known {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
