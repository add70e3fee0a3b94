//! Problem documents (RFC 9457) with a stable code.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};
use webhooks_queue::QueueError;
use webhooks_store::StoreError;

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
const INTERNAL: &str = "internal";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`. Use `code` to tell problems apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub status: u16,
    /// What is wrong, or what to do about it, for a person.
    pub detail: String,
    /// A stable code for programs.
    pub code: &'static str,
    /// The wrong parameter or field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), code, field: None }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "No authoriser has accepted this request.")
    }

    pub(crate) fn forbidden(role: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("This needs the role {role}."))
    }

    /// The claim contains the role beside other names, and does not show where a name ends.
    pub(crate) fn unclear(role: &str, claim: &str) -> Self {
        let detail = format!(
            "This needs the role {role}. The claim {claim} lists it with other names, separated by blanks, so it may \
             be a part of another name. Use a claim that lists only roles of this API."
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
        Self::invalid("ref", "This is not a `ref`. Copy the `ref` from a list.")
    }

    pub(crate) fn no_job_id() -> Self {
        Self::invalid("id", "A job's id must be a UUID.")
    }

    pub(crate) fn unknown_cursor() -> Self {
        let detail = "The cursor does not belong to this list; begin again without a cursor.";
        Self { field: Some("cursor".into()), ..Self::new(StatusCode::BAD_REQUEST, "unknown_cursor", detail) }
    }

    pub(crate) fn invalid_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
    }

    /// A wrong field of a body. `field` is its path, such as `states[1]`.
    pub(crate) fn invalid_field(code: &'static str, field: &str, detail: impl Into<String>) -> Self {
        let field = Some(field.to_owned()).filter(|field| !field.is_empty());
        Self { field, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    pub(crate) fn unknown_field(field: &str) -> Self {
        Self::invalid_field(
            "field_unknown",
            field,
            format!("This body has no field `{field}`; correct its name or remove it."),
        )
    }

    pub(crate) fn unknown(what: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, what, detail)
    }

    pub(crate) fn conflict(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such path; /operations/v1/openapi.json lists the paths.",
        )
    }

    pub(crate) fn no_such_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This path does not have this method; /operations/v1/openapi.json lists the methods.",
        )
    }

    /// A request that axum cannot read: the path is not text, or the body is too long.
    pub(crate) fn refused(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("too_large", "The body is too long; no operation needs a body of this length.")
            }
            _ => ("invalid_parameter", "The path or the query cannot be read."),
        };
        Self::new(status, code, detail)
    }

    /// The same request would fail again.
    fn too_much(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("the request asks for too much: {error}");
        let detail = "The table has more about this than one request can read. Ask for less: a shorter time, or one \
                      tenant. If the request has neither, it cannot be answered until there is less.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_much", detail)
    }

    fn newer_version(error: &dyn std::fmt::Display) -> Self {
        tracing::warn!("left to a newer version: {error}");
        let detail = "A newer version of this product wrote it, and this version cannot read it. Deploy that version \
                      again.";
        Self::conflict("newer_version", detail)
    }

    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("our own fault: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again in a few seconds.")
    }

    /// The code made a request that AWS will always refuse.
    fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("our own bug: {error}");
        let detail = "This is a bug in this product, and trying again does not help. Report it with the ERROR line in \
                      the log of the operations function.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, detail)
    }

    /// Adds to a bug which line of the log is about this request.
    pub(crate) fn logged_under(mut self, request_id: Option<String>) -> Self {
        if let Some(request_id) = request_id.filter(|_| self.code == INTERNAL) {
            self.detail.push_str(&format!(" The line's requestId is {request_id}."));
        }
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMuch(_) => Self::too_much(&error),
            StoreError::Newer(_) => Self::newer_version(&error),
            StoreError::Mismatch(_) => Self::internal(&error),
            StoreError::Unavailable(_) => Self::unavailable(&error),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::InvalidMessage(_) => Self::internal(&error),
            QueueError::Unavailable(_) => Self::unavailable(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = serde_json::to_vec(&self).expect("texts and numbers always serialise");
        (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], json).into_response()
    }
}

/// The refusals of an operation in the OpenAPI document.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let refused = ResponseBuilder::new().content(MEDIA_TYPE, content).build();
        BTreeMap::from([("4XX".to_owned(), RefOr::T(refused))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_nobody_to_repeat_a_request_for_too_much() {
        let problem = Problem::from(StoreError::TooMuch(20));
        assert_eq!((problem.status, problem.code), (422, "too_much"));
        assert!(problem.detail.contains("Ask for less"), "{}", problem.detail);
        assert_eq!(Problem::from(StoreError::Unavailable("timeout".into())).status, 503);
    }

    #[test]
    fn says_of_what_a_newer_version_wrote_to_deploy_that_version() {
        let problem = Problem::from(StoreError::Newer("the job"));
        assert_eq!((problem.status, problem.code), (409, "newer_version"));
        assert!(problem.detail.contains("Deploy that version again"), "{}", problem.detail);
        assert!(!problem.detail.contains("bug"), "{}", problem.detail);
    }

    #[test]
    fn a_message_that_sqs_declares_invalid_is_a_bug() {
        let problem = Problem::from(QueueError::InvalidMessage("InvalidMessageContents".into()));
        assert_eq!((problem.status, problem.code), (500, "internal"));
        assert_eq!(Problem::from(QueueError::Unavailable("RequestThrottled".into())).status, 503);
    }
}
