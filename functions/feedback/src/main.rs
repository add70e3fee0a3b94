//! The Lambda function.

use aws_lambda_events::sqs::SqsEvent;
use feedback::wiring;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use webhooks_host::Host;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let feedback = wiring::feedback().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&feedback).await;
    let feedback = &feedback;
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let budget = webhooks_batch::budget(event.context.deadline, feedback.host.now());
        Ok::<_, Error>(feedback.batch(event.payload, &event.context.request_id, budget).await)
    }))
    .await
}
