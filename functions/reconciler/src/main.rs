//! The Lambda function, called on a schedule. The event `{"tenant": "..."}` limits the run to one
//! tenant.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reconciler::wiring;
use serde_json::Value;
use webhooks_host::Host;
use webhooks_queue::Trace;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let reconciler = wiring::reconciler().inspect_err(|error| tracing::error!("{error}"))?;
    wiring::prepare(&reconciler).await;
    let reconciler = &reconciler;
    run(service_fn(|event: LambdaEvent<Value>| async move {
        let time = webhooks_batch::budget(event.context.deadline, reconciler.host.now());
        let trace = event.context.xray_trace_id.as_deref().and_then(Trace::parse);
        let report = reconciler
            .run(&event.context.request_id, time, event.payload["tenant"].as_str(), trace.as_ref())
            .await
            .inspect_err(|error| tracing::error!("{error}"))?;
        Ok::<_, Error>(report)
    }))
    .await
}
