//! The Lambda function.

use intake::{Answer, wiring, without_url_parts};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Error, lambda_runtime, service_fn};
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init();
    let intake = wiring::intake().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&intake).await;
    let service = service_fn(|request| async { Ok::<_, Infallible>(Answer(intake.handle(request).await)) });
    lambda_runtime::run(Adapter::from(service).map_request(without_url_parts)).await
}
