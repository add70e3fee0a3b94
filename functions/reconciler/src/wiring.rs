//! Connects the function to AWS and Visma Net.

use crate::ports::{Ports, Reconciler};
use webhooks_host::SystemHost;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::Queue;
use webhooks_settings::SecretsManager;
use webhooks_store::Dynamo;
use webhooks_visma::VismaClient;
use webhooks_wiring::Environment;

/// AWS and Visma Net.
pub struct AwsPorts;

impl Ports for AwsPorts {
    type Source = SecretsManager;
    type Items = Dynamo;
    type Listing = VismaClient<SystemHost>;
    type Queue = Queue;
    type Host = SystemHost;
}

/// The function, configured by the environment.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn reconciler() -> Result<Reconciler<AwsPorts>, lambda_runtime::Error> {
    let environment = Environment::load()?;
    Ok(Reconciler {
        settings: environment.settings()?,
        sweeps: environment.table()?,
        listing: VismaClient::new(SystemHost)?,
        queue: environment.queue("NOTIFICATIONS_QUEUE_URL")?,
        feedback: environment.queue("FEEDBACK_QUEUE_URL")?,
        repairs: environment.queue_if_any("REPAIRS_QUEUE_URL"),
        host: SystemHost,
        metrics: Metrics::to_stdout(Service::Reconciler, SystemHost),
    })
}

/// Reads the settings and opens connections, so that the first run finds both.
pub async fn prepare(reconciler: &Reconciler<AwsPorts>) {
    webhooks_wiring::prepare(&reconciler.settings, &reconciler.sweeps, &reconciler.queue, async |settings| {
        let visma = &settings.visma;
        reconciler.listing.connect(&[&visma.connect_url, &visma.erp_url, &visma.sales_order_url]).await;
    })
    .await;
}
