//! The tenants. A known tenant has a mark in the `attention` index, on the item with the position
//! of the counting of its roll-ups. That item exists anyway, and is erased with the tenant. A
//! process that has written the mark does not write it again, so a tenant is known by its erasure,
//! too.
//!
//! The directory has the names of tenants in the settings, and when each was last heard of. The
//! reconciler writes it, so that the operations function can name tenants without access to the
//! settings.

use crate::attributes::{Item, Update, flag, has_expired, integer, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::keys::{ROLLING, rollups_of, tenant_of};
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeSet, HashMap};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::State;
use webhooks_model::notification::UNKNOWN_TENANT;
use webhooks_model::reference::tenant_digits;

const MARK: &str = "tenants";
/// The most notifications read that are parked for a tenant that is not served, newest first.
const NEWEST_PARKED: i32 = 100;
/// One partition for all entries of the directory, so that one query reads them. The sort key is the
/// tenant's id.
pub(crate) const DIRECTORY: &str = "tenants";
const ATTRIBUTES: [&str; 6] = ["sk", "tenant_name", "company_id", "heard_at", "is_silent", "expires_at"];

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTenant {
    /// In lower case, as in the ledger.
    pub id: String,
    pub name: Option<String>,
    /// The company number in legacy messages.
    pub company_id: Option<String>,
    /// When its last webhook came, at most an hour too early.
    pub heard_at: Option<OffsetDateTime>,
    /// Whether its last webhook is older than the settings allow.
    pub is_silent: bool,
}

impl<I: Items> Table<I> {
    /// Those of these ids that are recorded for at least another half of the retention.
    pub async fn known_tenants(
        &self,
        ids: &[String],
        now: OffsetDateTime,
    ) -> Result<HashMap<String, KnownTenant>, StoreError> {
        let names = ids.iter().map(|id| (DIRECTORY.to_owned(), id.clone())).collect();
        let items = self.items.get_many(names, &ATTRIBUTES, false).await?;
        let lasts = |item: &&Item| integer(item, "expires_at").is_some_and(|at| at >= self.half_expires_at(now));
        Ok(items.iter().filter(lasts).filter_map(read).map(|tenant| (tenant.id.clone(), tenant)).collect())
    }

    /// Records a tenant. The entry is kept for the retention, so a tenant that is no longer in the
    /// settings is found until then.
    pub async fn set_tenant(&self, tenant: &KnownTenant, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut update =
            Update::default().set("is_silent", AttributeValue::Bool(tenant.is_silent)).set("expires_at", self.ttl(now));
        let texts = [
            ("tenant_name", tenant.name.clone()),
            ("company_id", tenant.company_id.clone()),
            ("heard_at", tenant.heard_at.map(time_text)),
        ];
        for (name, value) in texts {
            update = match value {
                Some(value) => update.set(name, string(value)),
                None => update.remove(name),
            };
        }
        self.update(DIRECTORY, &tenant.id, update, None).await?;
        Ok(())
    }

    /// Tenants that the reconciler counts, tenants of which something was shown, and tenants of
    /// recently parked notifications.
    pub async fn seen_tenants(&self) -> Result<BTreeSet<String>, StoreError> {
        let query = Query { index: Some("attention"), key_condition: "attention = :mark", ..Query::default() };
        let parked = Query { newest_first: true, limit: Some(NEWEST_PARKED), ..query.clone() };
        let known = self.items.query(query.value(":mark", string(MARK))).await?;
        let parked = self.items.query(parked.value(":mark", string(State::Parked.as_str()))).await?;
        Ok(known.iter().chain(&parked).filter_map(tenant_of).collect())
    }

    /// All tenants, by id. The settings document has room for a few thousand at most.
    pub async fn directory(&self, now: OffsetDateTime) -> Result<Vec<KnownTenant>, StoreError> {
        let query = Query { key_condition: "pk = :pk", ..Query::default() };
        let items = self.items.query(query.value(":pk", string(DIRECTORY))).await?;
        Ok(items.iter().filter(|item| !has_expired(item, now)).filter_map(read).collect())
    }
}

impl<I: Items> Table<I> {
    /// Sorted by id: those of [`Table::seen_tenants`], the unknown one, and tenants that were erased.
    pub(crate) async fn all_tenants(&self) -> Result<Vec<String>, StoreError> {
        let mut tenants = self.seen_tenants().await?;
        tenants.insert(UNKNOWN_TENANT.to_owned());
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

/// The mark's position begins with the digits of the tenant in a short reference.
pub(crate) fn marked(update: Update, tenant: &str) -> Update {
    let place = format!("{}#{tenant}", tenant_digits(tenant));
    update.set("attention", string(MARK)).set("attention_at", string(place))
}

fn read(item: &Item) -> Option<KnownTenant> {
    let owned = |name| text(item, name).map(str::to_owned);
    Some(KnownTenant {
        id: owned("sk")?,
        name: owned("tenant_name"),
        company_id: owned("company_id"),
        heard_at: text(item, "heard_at").and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok()),
        is_silent: flag(item, "is_silent"),
    })
}
