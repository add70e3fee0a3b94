//! Connects the function to AWS and Visma Net.

use crate::handler::Handler;
use crate::local::LocalState;
use crate::ports::{Limits, Ports, Processor};
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use std::marker::PhantomData;
use webhooks_host::{Host, SystemHost};
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::{BatchingSender, Queue};
use webhooks_settings::SecretsManager;
use webhooks_store::Dynamo;
use webhooks_visma::VismaClient;
use webhooks_wiring::{Environment, prepare};

/// AWS and Visma Net, with your own business code.
pub struct AwsPorts<B>(PhantomData<B>);

impl<B: Handler + 'static> Ports for AwsPorts<B> {
    type Source = SecretsManager;
    type Items = Dynamo;
    type Visma = VismaClient<SystemHost>;
    type Queue = BatchingSender<Queue>;
    type Pacer = Queue;
    type Handler = B;
    type Host = SystemHost;
}

/// Runs the Lambda function with this business code. Call it in `main`; it does not return.
///
/// # Errors
/// Names the variable that is missing or wrong, or reports a fault of Lambda's interface.
pub async fn serve<B: Handler + 'static>(handler: B) -> Result<(), Error> {
    webhooks_telemetry::init(std::io::stdout);
    let processor = processor(handler).inspect_err(|error| tracing::error!("{error}"))?;
    processor.prepare().await;
    let processor = &processor;
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let budget = webhooks_batch::budget(event.context.deadline, processor.host.now());
        Ok::<_, Error>(processor.batch(event.payload, &event.context.request_id, budget).await)
    }))
    .await
}

impl<B: Handler + 'static> Processor<AwsPorts<B>> {
    /// Reads the settings and opens connections, so that the first batch finds both.
    async fn prepare(&self) {
        prepare(&self.settings, &self.ledger, &self.notifications, async |settings| {
            let visma = &settings.visma;
            self.visma.connect(&[&visma.connect_url, &visma.erp_url, &visma.sales_order_url]).await;
        })
        .await;
    }
}

fn processor<B: Handler + 'static>(handler: B) -> Result<Processor<AwsPorts<B>>, Error> {
    let (environment, local) = (Environment::load()?, LocalState::default());
    Ok(Processor {
        settings: environment.settings()?,
        ledger: environment.table()?,
        visma: VismaClient::new(SystemHost)?,
        events: BatchingSender::new(environment.queue("EVENTS_QUEUE_URL")?, &local.in_flight),
        feedback: BatchingSender::new(environment.queue("FEEDBACK_QUEUE_URL")?, &local.in_flight),
        notifications: environment.queue("NOTIFICATIONS_QUEUE_URL")?,
        handler,
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Processor, SystemHost),
        limits: Limits {
            max_receive_count: environment.number("MAX_RECEIVE_COUNT", 12)?,
            retry_base: environment.retry_base()?,
        },
        local,
    })
}
