//! The Lambda function.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use repair::wiring;
use webhooks_host::Host;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let repair = wiring::repair().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&repair).await;
    let repair = &repair;
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let budget = webhooks_batch::budget(event.context.deadline, repair.host.now());
        Ok::<_, Error>(repair.batch(event.payload, &event.context.request_id, budget).await)
    }))
    .await
}
