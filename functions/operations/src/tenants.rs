//! The directory of tenants and their names.

use crate::body::Json;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query::Parameters;
use crate::route::Asked;
use crate::types::tenants::Directory;
use webhooks_host::Host;

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
