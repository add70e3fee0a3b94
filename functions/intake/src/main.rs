//! The Lambda function.

use intake::{Event, answer, wiring};
use lambda_http::{Error, LambdaEvent, lambda_runtime, service_fn};
use std::convert::Infallible;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let intake = wiring::intake().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&intake).await;
    let intake = Arc::new(intake);
    let service = service_fn(move |event: LambdaEvent<Event>| {
        let intake = intake.clone();
        async move { Ok::<_, Infallible>(answer(intake.handle(event).await)) }
    });
    // Runs as its own task, since each wake-up of the main one is a system call.
    tokio::spawn(lambda_runtime::run(service)).await?
}
