//! A notification's reference in a URL: short, or the long form of earlier versions.

use crate::ports::{Operations, Ports};
use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_model::{EntityId, LedgerKey, Reference};
use webhooks_store::Record;

/// The short reference, of 26 characters. Answers contain only this form.
pub(crate) fn of(key: &LedgerKey, received_at: OffsetDateTime) -> String {
    Reference::of(key, received_at).to_string()
}

/// Reads the long form: base64url of `{tenant}#{entity}#{key}#{notification key}`.
pub(crate) fn whole(name: &str) -> Option<LedgerKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
    let (tenant, rest) = text.split_once('#')?;
    let (entity, rest) = rest.split_once('#')?;
    let (key, notification) = rest.rsplit_once('#')?;
    let entity = serde_json::from_value(entity.into()).ok()?;
    let entity = EntityId { tenant: tenant.to_owned(), entity, key: key.to_owned() }.check().ok()?;
    Some(LedgerKey { entity, notification: notification.to_owned().try_into().ok()? })
}

pub(crate) fn unknown() -> Problem {
    Problem::unknown("unknown_notification", "No notification has this `ref`; it may have expired.")
}

impl<P: Ports> Operations<P> {
    /// The key for a reference. A long reference is not checked against the table.
    ///
    /// # Errors
    /// The name is not a reference, or no record has this short reference.
    pub(crate) async fn named(&self, name: &str) -> Result<LedgerKey, Problem> {
        if let Some(reference) = Reference::parse(name) {
            return self.store.named(reference).await?.ok_or_else(unknown);
        }
        whole(name).ok_or_else(Problem::no_reference)
    }

    /// Marks the tenants of these records as known. Call it before their short references are
    /// shown, since only short references of known tenants can be read.
    pub(crate) async fn introduce(&self, records: &[Record]) {
        let keys = records.iter().flat_map(|record| {
            [Some(&record.key), record.moved_to.as_ref(), record.moved_from.as_ref()].into_iter().flatten()
        });
        let mut tenants: Vec<&str> = vec![];
        for key in keys {
            if !tenants.contains(&key.entity.tenant.as_str()) {
                tenants.push(&key.entity.tenant);
            }
        }
        for tenant in tenants {
            self.introduce_tenant(tenant).await;
        }
    }

    /// Marks one tenant as known. Call it before short references of its records are shown.
    pub(crate) async fn introduce_tenant(&self, tenant: &str) {
        if let Err(error) = self.store.know(tenant, self.host.now()).await {
            // The reconciler also marks the tenants of the settings.
            tracing::warn!(tenant, "the tenant is not marked as known, so its short names may be unknown: {error}");
        }
    }
}
