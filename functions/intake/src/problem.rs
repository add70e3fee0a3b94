//! Problem documents (RFC 9457) for refused requests.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::json;
use std::error::Error;
use webhooks_metrics::Metric;
use webhooks_queue::QueueError;
use webhooks_settings::LoadError;

const RETRY_AFTER_SECONDS: &str = "5";

/// The text becomes the document's `detail`. A cause appears only in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("Nothing is received at this address.")]
    RouteUnknown,
    #[error("Nothing is received at this address: something stands before /hooks/visma/.")]
    PrefixUnknown,
    #[error("This address takes {allow}.")]
    MethodNotAllowed { allow: &'static str },
    #[error("The sender's address is not on the list of those allowed.")]
    SourceNotAllowed,
    #[error("The request cannot be read.")]
    EventUnreadable,
    #[error("The body is marked as base64, but is not.")]
    BodyNotBase64,
    #[error("The body is larger than can be stored.")]
    BodyTooLarge,
    #[error("The header content-type must name JSON or plain text.")]
    ContentTypeUnsupported,
    #[error("The body must not be compressed: the header content-encoding says so.")]
    ContentEncodingUnsupported,
    #[error("The header x-vwd-signature-v1 is missing.")]
    SignatureMissing,
    #[error("The header x-vwd-signature-v1 must be given once and hold the padded base64 of 32 bytes.")]
    SignatureMalformed,
    #[error("No secret of this address made the signature.")]
    SignatureMismatch,
    #[error("The settings cannot be read just now.")]
    SettingsUnavailable(#[source] LoadError),
    #[error("The delivery cannot be stored just now.")]
    QueueUnavailable(#[source] QueueError),
    #[error("The delivery could not be handled.")]
    Internal,
}

impl Problem {
    /// The stable part of the contract, for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::RouteUnknown => "route_unknown",
            Self::PrefixUnknown => "prefix_unknown",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::SourceNotAllowed => "source_not_allowed",
            Self::EventUnreadable => "event_unreadable",
            Self::BodyNotBase64 => "body_not_base64",
            Self::BodyTooLarge => "body_too_large",
            Self::ContentTypeUnsupported => "content_type_unsupported",
            Self::ContentEncodingUnsupported => "content_encoding_unsupported",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::SettingsUnavailable(_) => "settings_unavailable",
            Self::QueueUnavailable(_) => "queue_unavailable",
            Self::Internal => "internal",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::RouteUnknown | Self::PrefixUnknown => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::SourceNotAllowed => StatusCode::FORBIDDEN,
            Self::EventUnreadable | Self::BodyNotBase64 => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentTypeUnsupported | Self::ContentEncodingUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::SignatureMissing | Self::SignatureMalformed | Self::SignatureMismatch => StatusCode::UNAUTHORIZED,
            // Our own faults: the sender must retry (docs/visma-net.md#answers-and-retries).
            Self::SettingsUnavailable(_) | Self::QueueUnavailable(_) | Self::Internal => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    pub(crate) fn metric(&self) -> Metric {
        let code = self.code();
        if self.status().is_server_error() { Metric::Unavailable { code } } else { Metric::Rejected { code } }
    }

    /// Logs the refusal and builds its answer. `route` must come from the settings.
    pub(crate) fn refuse(&self, route: Option<&str>) -> Response<Body> {
        let (code, cause) = (self.code(), self.source().map(tracing::field::display));
        if self.status().is_server_error() {
            tracing::error!(code, route, cause, "not accepted, and the fault is ours");
        } else {
            tracing::warn!(code, route, "refused");
        }
        self.response()
    }

    fn response(&self) -> Response<Body> {
        let status = self.status();
        let document = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.to_string(),
        });
        let extra = match self {
            Self::MethodNotAllowed { allow } => Some(("allow", *allow)),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(("retry-after", RETRY_AFTER_SECONDS)),
            _ => None,
        };
        response(status, "application/problem+json", extra, document.to_string())
    }
}

pub(crate) fn json_response(status: StatusCode, document: &impl Serialize) -> Response<Body> {
    let document = serde_json::to_string(document).expect("names, flags and ids always serialise");
    response(status, "application/json", None, document)
}

fn response(
    status: StatusCode,
    content_type: &str,
    extra: Option<(&'static str, &'static str)>,
    body: String,
) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff");
    let response = extra.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(Body::Text(body)).expect("its headers are constants")
}
