//! The Lambda function: the processor without business code of its own.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use processor::{Acknowledge, wiring};
use webhooks_host::Host;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init();
    let processor = wiring::processor(Acknowledge).await.inspect_err(|error| tracing::error!("{error}"))?;
    // Read now, so that the first batch finds it; a failure is tried again with the batch.
    if let Err(error) = processor.settings.get().await {
        tracing::warn!(error = %error, "the settings could not be read at start: {error}");
    }
    let processor = &processor;
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let budget = webhooks_batch::budget(event.context.deadline, processor.host.now());
        Ok::<_, Error>(processor.batch(event.payload, &event.context.request_id, budget).await)
    }))
    .await
}
