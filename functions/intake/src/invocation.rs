//! What Lambda says about an invocation.

use lambda_http::RequestExt;
use lambda_http::http::Extensions;
use webhooks_queue::Trace;

/// Empty outside Lambda.
pub(crate) fn request_id(request: &Extensions) -> String {
    request.lambda_context_ref().map(|context| context.request_id.clone()).unwrap_or_default()
}

pub(crate) fn trace(request: &Extensions) -> Option<Trace> {
    Trace::parse(request.lambda_context_ref()?.xray_trace_id.as_deref()?)
}
