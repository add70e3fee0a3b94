//! Tenants of whom nothing is heard.

use crate::ports::{Ports, Reconciler};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_settings::{Settings, Tenant};
use webhooks_store::{StoreError, Sweeps};

/// How far back a last sign of a tenant is looked for, at least.
const LOOKBACK_DAYS: i64 = 7;

impl<P: Ports> Reconciler<P> {
    /// How many of the settings' tenants have been silent for longer than they may, those that
    /// never were heard of among them. `None` when the table could not say so of every tenant.
    pub(crate) async fn count_silent(&self, settings: &Settings) -> Option<usize> {
        let mut silent = 0;
        for tenant in &settings.tenants {
            let Some(allowed) = settings.silence(tenant) else { continue };
            let since = self.too_silent_since(tenant, allowed).await;
            let since = since.inspect_err(|error| tracing::warn!("a tenant's silence is unknown: {error}")).ok()?;
            if let Some(since) = since {
                let silent_hours = (self.host.now() - since).whole_hours();
                tracing::warn!(tenant = tenant.id, silent_hours, "a tenant is silent");
                silent += 1;
            }
        }
        Some(silent)
    }

    /// Since when, if that is longer than allowed. A tenant that was never heard of is silent since
    /// it was first looked for.
    async fn too_silent_since(&self, tenant: &Tenant, allowed: Duration) -> Result<Option<OffsetDateTime>, StoreError> {
        let (id, now) = (tenant.id.to_lowercase(), self.host.now());
        // Longer than the silence that is allowed, so that its end is always seen, and remembered.
        let days = u16::try_from(LOOKBACK_DAYS.max(allowed.whole_days() + 1)).unwrap_or(u16::MAX);
        let heard = self.sweeps.last_heard(&id, now, days).await?;
        if heard.is_some_and(|heard| now - heard <= allowed) {
            return Ok(None);
        }
        let since = self.sweeps.silent_since(&id, heard, now).await?;
        Ok(Some(since).filter(|since| now - *since > allowed))
    }
}
