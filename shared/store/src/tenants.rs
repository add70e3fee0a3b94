//! Which tenants there are. A tenant bears a mark in the `attention` index, beside where the
//! counting of its roll-ups is: an attribute of an item that is there anyway, and erased with the
//! tenant.

use crate::attributes::{Item, Update, string, text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{ROLLING, rollups_of};
use crate::records::ATTENTION_KEYS;
use crate::table::Table;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use webhooks_model::State;
use webhooks_model::notification::UNKNOWN_TENANT;
use webhooks_model::reference::tenant_digits;

const MARK: &str = "tenants";
/// Of what is parked for a tenant that is not served: so many of the newest are looked at.
const NEWEST_PARKED: i32 = 100;

/// The mark begins with the digits by which a short name knows its tenant.
pub(crate) fn marked(update: Update, tenant: &str) -> Update {
    let place = format!("{}#{tenant}", tenant_digits(tenant));
    update.set("attention", string(MARK)).set("attention_at", string(place))
}

impl<I: Items> Table<I> {
    /// In the order of their ids: those that the reconciler counts, those of whom something was
    /// shown, and those whose notifications were parked of late.
    pub(crate) async fn all_tenants(&self) -> Result<Vec<String>, StoreError> {
        let query = Query { index: Some("attention"), key_condition: "attention = :mark", ..Query::default() };
        let parked = Query { newest_first: true, limit: Some(NEWEST_PARKED), ..query.clone() };
        let known = self.read_on(query.value(":mark", string(MARK)), &ATTENTION_KEYS).await?;
        let parked = self.items.query(parked.value(":mark", string(State::Parked.as_str()))).await?;
        let mut tenants: BTreeSet<String> = known.iter().chain(&parked).filter_map(tenant_of).collect();
        tenants.insert(UNKNOWN_TENANT.to_owned());
        Ok(tenants.into_iter().collect())
    }

    /// Writes the mark, once for each tenant and process.
    pub(crate) async fn mark_tenant(&self, tenant: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        if self.known().contains(tenant) {
            return Ok(());
        }
        let update = marked(Update::default(), tenant).set("expires_at", self.ttl(now));
        self.update(&rollups_of(tenant), ROLLING, update, None).await?;
        self.known().insert(tenant.to_owned());
        Ok(())
    }

    /// The tenants of these digits: as a rule one.
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
        // `~` sorts behind whatever a tenant's id consists of.
        let query = query.value(":from", string(format!("{digits}#"))).value(":to", string(format!("{digits}#~")));
        let items = self.items.query(query.value(":mark", string(MARK))).await?;
        Ok(items.iter().filter_map(tenant_of).collect())
    }
}

fn tenant_of(item: &Item) -> Option<String> {
    Some(text(item, "pk")?.split_once('#')?.0.to_owned())
}
