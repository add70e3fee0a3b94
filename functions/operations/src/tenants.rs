//! The directory of tenants and their names.

use crate::access::{Access, Caller};
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::types::tenants::Directory;
use axum::Json;
use axum::extract::{Query, State};
use webhooks_host::Host;

type Pairs = Query<Vec<(String, String)>>;

/// Lists the tenants of the settings with their names, the one last heard of first.
///
/// A tenant that only a subscription names is not in the list.
#[utoipa::path(get, path = "/operations/v1/tenants", tag = "read",
    responses((status = 200, body = Directory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
    Query(pairs): Pairs,
) -> Result<Json<Directory>, Problem> {
    operations.roles.admit(&caller, Access::Read)?;
    Parameters::new(pairs, &[])?;
    let tenants = operations.store.directory(operations.host.now()).await?;
    Ok(Json(Directory::new(tenants)))
}
