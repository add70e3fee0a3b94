//! An invocation: the fields that Lambda's runtime puts on each line of the log, in their real
//! length, and its answer.

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_http::Context;
use lambda_http::lambda_runtime::layers::trace::request_span;
use tracing::Instrument;

pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0";

pub(crate) fn context() -> Context {
    let mut context = Context::default();
    context.request_id = REQUEST_ID.to_owned();
    context.xray_trace_id = Some(TRACE.to_owned());
    context
}

/// Runs the work in the runtime's span, like a handler.
pub(crate) async fn invoke<T>(work: impl Future<Output = T>) -> T {
    work.instrument(request_span(&context())).await
}

pub(crate) fn all_done(response: &SqsBatchResponse) {
    assert!(response.batch_item_failures.is_empty(), "messages have to come again: {response:?}");
}
