//! The directory of tenants, for functions that may not read the settings. An entry is written only
//! when it has changed.

use crate::ports::{Ports, Reconciler};
use crate::silence::Heard;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_settings::Tenant;
use webhooks_store::{KnownTenant, StoreError};

/// A busy tenant's entry is written once in this time, not in every run.
const HEARD_ANEW: Duration = Duration::HOUR;

impl<P: Ports> Reconciler<P> {
    /// `heard` has one entry for each of these tenants; `None` if it is unknown.
    pub(crate) async fn write_directory(&self, tenants: &[&Tenant], heard: Option<&[Heard]>) {
        if let Err(error) = self.write_changes(tenants, heard).await {
            tracing::warn!("the directory of tenants is left to the next run: {error}");
        }
    }

    async fn write_changes(&self, tenants: &[&Tenant], heard: Option<&[Heard]>) -> Result<(), StoreError> {
        let now = self.host.now();
        // By id, since the settings may name a tenant twice.
        let mut own: BTreeMap<String, (&Tenant, Option<Heard>)> = BTreeMap::new();
        for (at, &tenant) in tenants.iter().enumerate() {
            let heard = heard.and_then(|heard| heard.get(at)).copied();
            own.entry(tenant.id.to_lowercase()).or_insert((tenant, heard));
        }
        let ids: Vec<String> = own.keys().cloned().collect();
        let known = self.sweeps.known_tenants(&ids, now).await?;
        for (id, (tenant, heard)) in own {
            let before = known.get(&id);
            let entry = entry(id, tenant, heard, before);
            if before != Some(&entry) {
                self.sweeps.set_tenant(&entry, now).await?;
            }
        }
        Ok(())
    }
}

fn entry(id: String, tenant: &Tenant, heard: Option<Heard>, before: Option<&KnownTenant>) -> KnownTenant {
    let known_at = before.and_then(|before| before.heard_at);
    KnownTenant {
        id,
        name: tenant.name.clone(),
        company_id: tenant.company_id.clone(),
        heard_at: heard_at(known_at, heard.and_then(|heard| heard.at)),
        is_silent: heard.map_or_else(|| before.is_some_and(|before| before.is_silent), |heard| heard.is_silent),
    }
}

/// The newer of both, unless it is only slightly newer.
fn heard_at(known: Option<OffsetDateTime>, at: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (known, at) {
        (Some(known), Some(at)) if at - known < HEARD_ANEW => Some(known),
        (known, at) => at.or(known),
    }
}
