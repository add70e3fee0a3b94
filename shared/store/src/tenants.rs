//! The known tenants. A known tenant has a mark in the `attention` index, on the item with the
//! position of the counting of its roll-ups. That item exists anyway, and is erased with the
//! tenant. A process that has written the mark does not write it again, so a tenant is known by its
//! erasure, too.

use crate::attributes::{Update, string};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{ROLLING, rollups_of, tenant_of};
use crate::table::Table;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use webhooks_model::State;
use webhooks_model::notification::UNKNOWN_TENANT;
use webhooks_model::reference::tenant_digits;

const MARK: &str = "tenants";
/// The most notifications read that are parked for a tenant that is not served, newest first.
const NEWEST_PARKED: i32 = 100;

/// The mark's position begins with the digits of the tenant in a short reference.
pub(crate) fn marked(update: Update, tenant: &str) -> Update {
    let place = format!("{}#{tenant}", tenant_digits(tenant));
    update.set("attention", string(MARK)).set("attention_at", string(place))
}

impl<I: Items> Table<I> {
    /// Sorted by id: tenants that the reconciler counts, tenants of which something was shown,
    /// tenants of recently parked notifications, and tenants that were erased.
    pub(crate) async fn all_tenants(&self) -> Result<Vec<String>, StoreError> {
        let query = Query { index: Some("attention"), key_condition: "attention = :mark", ..Query::default() };
        let parked = Query { newest_first: true, limit: Some(NEWEST_PARKED), ..query.clone() };
        let known = self.items.query(query.value(":mark", string(MARK))).await?;
        let parked = self.items.query(parked.value(":mark", string(State::Parked.as_str()))).await?;
        let mut tenants = BTreeSet::new();
        tenants.insert(UNKNOWN_TENANT.to_owned());
        tenants.extend(known.iter().chain(&parked).filter_map(tenant_of));
        tenants.extend(self.erased_tenants().await?);
        Ok(tenants.into_iter().collect())
    }

    /// Writes the mark, once per tenant and process.
    pub(crate) async fn mark_tenant(&self, tenant: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        if self.known().contains(tenant) {
            return Ok(());
        }
        let update = marked(Update::default(), tenant).set("expires_at", self.ttl(now));
        self.update(&rollups_of(tenant), ROLLING, update, None).await?;
        self.known().insert(tenant.to_owned());
        Ok(())
    }

    /// The tenants with these digits: usually one.
    pub(crate) async fn tenants_of(&self, digits: &str) -> Result<Vec<String>, StoreError> {
        let known: Vec<String> =
            self.known().iter().filter(|tenant| tenant_digits(tenant) == digits).cloned().collect();
        if !known.is_empty() {
            return Ok(known);
        }
        let query = Query {
            index: Some("attention"),
            key_condition: "attention = :mark AND attention_at BETWEEN :from AND :to",
            ..Query::default()
        };
        // `~` sorts after every character of a tenant's id.
        let query = query.value(":from", string(format!("{digits}#"))).value(":to", string(format!("{digits}#~")));
        let items = self.items.query(query.value(":mark", string(MARK))).await?;
        let mut tenants: Vec<String> = items.iter().filter_map(tenant_of).collect();
        if tenants.is_empty() {
            tenants = self.erased_tenants().await?;
            tenants.retain(|tenant| tenant_digits(tenant) == digits);
        }
        Ok(tenants)
    }
}
