//! The Lambda function.

use intake::{Answer, wiring, without_url_parts};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Error, lambda_runtime, service_fn};
use std::convert::Infallible;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let intake = wiring::intake().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&intake).await;
    let intake = Arc::new(intake);
    let service = service_fn(move |request| {
        let intake = intake.clone();
        async move { Ok::<_, Infallible>(Answer(intake.handle(request).await)) }
    });
    // As a task of its own, for each waking of the main one is a system call.
    tokio::spawn(lambda_runtime::run(Adapter::from(service).map_request(without_url_parts))).await?
}
