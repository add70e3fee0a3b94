//! Problem documents (RFC 9457) with a stable code.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use webhooks_queue::QueueError;
use webhooks_store::StoreError;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub status: u16,
    /// What to do about it.
    pub detail: String,
    /// Stable.
    pub code: &'static str,
    /// The parameter or field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), code, field: None }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "No authoriser has let this request in.")
    }

    pub(crate) fn forbidden(role: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("This needs the role {role}."))
    }

    /// The claim names the role, but beside names of others, and nobody can tell where one ends.
    pub(crate) fn unclear(role: &str, claim: &str) -> Self {
        let detail = format!(
            "This needs the role {role}. The claim {claim} names it beside names that are none of this API's, with blanks between \
             them, so it may be a part of another name. Use a claim that lists this API's roles alone."
        );
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let field = Some(field.to_owned());
        Self { field, ..Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail) }
    }

    pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        Self::invalid(name, format!("Known parameters: {}.", known.join(", ")))
    }

    pub(crate) fn no_reference() -> Self {
        Self::invalid("ref", "Take `ref` from a list; this is none.")
    }

    pub(crate) fn no_job_id() -> Self {
        Self::invalid("id", "A job's id is a UUID.")
    }

    pub(crate) fn unknown_cursor() -> Self {
        let detail = "The cursor is none of this list's; begin again without one.";
        Self { field: Some("cursor".into()), ..Self::new(StatusCode::BAD_REQUEST, "unknown_cursor", detail) }
    }

    pub(crate) fn invalid_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
    }

    /// Of a body, by the path of the field: `states[1]`.
    pub(crate) fn invalid_field(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        let field = Some(field.to_owned()).filter(|field| !field.is_empty());
        Self { field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    pub(crate) fn unknown_field(field: &str) -> Self {
        Self::invalid_field(
            "field_unknown",
            field,
            format!("`{field}` is no field of this body; correct its name or take it out."),
        )
    }

    pub(crate) fn unknown(what: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, what, detail)
    }

    pub(crate) fn conflict(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such path; /operations/v1/openapi.json lists them.")
    }

    pub(crate) fn no_such_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The path has other methods.")
    }

    /// What is refused before a handler sees it: a path that is no text, a body that is too long.
    pub(crate) fn refused(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is longer than any that is understood here."),
            _ => ("invalid_parameter", "The path or the query cannot be read."),
        };
        Self::new(status, code, detail)
    }

    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("our own fault: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again in a few seconds.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        Self::unavailable(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}
