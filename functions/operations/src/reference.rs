//! A notification's name in a URL: short, or whole as it was before there were short ones.

use crate::ports::{Operations, Ports};
use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_model::{EntityId, LedgerKey, Reference};
use webhooks_store::{Record, Search};

/// The name that is shown: 26 characters.
pub(crate) fn of(key: &LedgerKey, received_at: OffsetDateTime) -> String {
    Reference::of(key, received_at).to_string()
}

/// A whole name says the key itself: base64url of `{tenant}#{entity}#{key}#{notification key}`.
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
    Problem::unknown("unknown_notification", "No notification is recorded under this name; its time may have run out.")
}

impl<P: Ports> Operations<P> {
    /// The key of the record that has this name. Of a whole name it is not said whether there is a record.
    ///
    /// # Errors
    /// It is no name, or a short one of no record.
    pub(crate) async fn named(&self, name: &str) -> Result<LedgerKey, Problem> {
        if let Some(reference) = Reference::parse(name) {
            return self.store.named(reference).await?.ok_or_else(unknown);
        }
        whole(name).ok_or_else(Problem::no_reference)
    }

    /// To be called before names of these records are shown: a short name is read by the tenants that are known.
    pub(crate) async fn introduce(&self, records: &[Record]) {
        let keys = records.iter().flat_map(|record| {
            [Some(&record.key), record.moved_to.as_ref(), record.moved_from.as_ref()].into_iter().flatten()
        });
        let tenants: BTreeSet<&str> = keys.map(|key| key.entity.tenant.as_str()).collect();
        for tenant in tenants {
            self.introduce_tenant(tenant).await;
        }
    }

    /// The same of a tenant, of whose records names are shown.
    pub(crate) async fn introduce_tenant(&self, tenant: &str) {
        if let Err(error) = self.store.know(tenant, self.host.now()).await {
            // The reconciler does it as well.
            tracing::warn!(tenant, "the tenant is not marked as known, so its short names may be unknown: {error}");
        }
    }
}
