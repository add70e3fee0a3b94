//! The directory of tenants and their names.

use crate::body::Json;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::route::Asked;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::sorted;
use webhooks_store::KnownTenant;

/// Lists the tenants of the settings with their names, the one last heard of first.
///
/// A tenant that only a subscription names is not in the list.
#[utoipa::path(get, path = "/operations/v1/tenants", tag = "read",
    responses((status = 200, body = Directory), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Directory>, Problem> {
    Parameters::new(asked.query, &[])?;
    let tenants = operations.store.directory(operations.host.now()).await?;
    Ok(Json(Directory::new(tenants)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Directory {
    /// All tenants of the settings, the one last heard of first. Empty before the reconciler's
    /// first run.
    items: Vec<TenantView>,
}

/// A tenant with its name and company number.
#[derive(Debug, Serialize, ToSchema)]
struct TenantView {
    id: String,
    /// Its name in the settings. Two tenants may have the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its company number in legacy messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    company_id: Option<String>,
    /// When its last webhook came, at most an hour too early. Absent if no webhook is known.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    heard_at: Option<OffsetDateTime>,
    /// Whether its last webhook is older than the settings allow.
    is_silent: bool,
}

impl Directory {
    fn new(tenants: Vec<KnownTenant>) -> Self {
        let tenants = sorted::by(tenants, |one, other| other.heard_at.cmp(&one.heard_at));
        Self { items: tenants.into_iter().map(TenantView::from).collect() }
    }
}

impl From<KnownTenant> for TenantView {
    fn from(tenant: KnownTenant) -> Self {
        let KnownTenant { id, name, company_id, heard_at, is_silent } = tenant;
        Self { id, name, company_id, heard_at, is_silent }
    }
}
