//! Tenants of whom nothing is heard any more.

use crate::ports::{Ports, Reconciler};
use webhooks_host::Host;
use webhooks_settings::Settings;
use webhooks_store::Sweeps;

/// Whoever was heard of so recently is expected to be heard of.
const USUAL_DAYS: u16 = 7;

impl<P: Ports> Reconciler<P> {
    /// `None` when the table could not say so of every tenant.
    pub(crate) async fn count_silent(&self, settings: &Settings) -> Option<usize> {
        let now = self.host.now();
        let mut silent = 0;
        for tenant in &settings.tenants {
            let heard = self.sweeps.last_heard(&tenant.id.to_lowercase(), now, USUAL_DAYS).await;
            let heard = heard.inspect_err(|error| tracing::warn!("the feed cannot be read: {error}")).ok()?;
            let Some(heard) = heard.filter(|heard| now - *heard > settings.reconciliation.silence()) else {
                continue;
            };
            tracing::warn!(
                tenant = tenant.id,
                silent_hours = (now - heard).whole_hours(),
                "a tenant has fallen silent"
            );
            silent += 1;
        }
        Some(silent)
    }
}
