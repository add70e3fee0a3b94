//! Observations of Visma Net's behaviour.

use crate::body::Json;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::route::Asked;
use crate::types::observed::Observed;
use webhooks_store::Observations;

/// Lists the open questions about Visma Net with our assumptions and observations.
///
/// The answer contains no data of a tenant.
#[utoipa::path(get, path = "/operations/v1/observed", tag = "read",
    responses((status = 200, body = Observed), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, _: Asked) -> Result<Json<Observed>, Problem> {
    Ok(Json(Observed::new(operations.store.observed().await?)))
}
