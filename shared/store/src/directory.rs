//! The directory of tenants: their names in the settings, and when each was last heard of. The
//! reconciler writes it, so that the operations function can name tenants without access to the
//! settings.

use crate::attributes::{Item, Update, flag, has_expired, integer, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// One partition for all entries, so that one query reads them. The sort key is the tenant's id.
pub(crate) const PARTITION: &str = "tenants";
/// The most keys of a BatchGetItem.
const KEYS_PER_READ: usize = 100;
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
        let mut known = HashMap::new();
        for some in ids.chunks(KEYS_PER_READ) {
            let names = some.iter().map(|id| (PARTITION.to_owned(), id.clone())).collect();
            let items = self.items.get_many(names, &ATTRIBUTES, false).await?;
            let lasts = |item: &&Item| integer(item, "expires_at").is_some_and(|at| at > self.half_expires_at(now));
            known.extend(items.iter().filter(lasts).filter_map(read).map(|tenant| (tenant.id.clone(), tenant)));
        }
        Ok(known)
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
        self.update(PARTITION, &tenant.id, update, None).await?;
        Ok(())
    }

    /// All tenants, by id. The settings document has room for a few thousand at most.
    pub async fn directory(&self, now: OffsetDateTime) -> Result<Vec<KnownTenant>, StoreError> {
        let query = Query { key_condition: "pk = :pk", ..Query::default() };
        let items = self.items.query(query.value(":pk", string(PARTITION))).await?;
        Ok(items.iter().filter(|item| !has_expired(item, now)).filter_map(read).collect())
    }
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
