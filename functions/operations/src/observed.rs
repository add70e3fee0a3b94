//! Observations of Visma Net's behaviour.

use crate::access::{Access, Caller};
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::types::observed::Observed;
use axum::Json;
use axum::extract::State;
use webhooks_store::Observations;

/// Lists the open questions about Visma Net with our assumptions and observations.
///
/// The answer contains no data of a tenant.
#[utoipa::path(get, path = "/operations/v1/observed", tag = "read",
    responses((status = 200, body = Observed), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
) -> Result<Json<Observed>, Problem> {
    operations.roles.admit(&caller, Access::Read)?;
    Ok(Json(Observed::new(operations.store.observed().await?)))
}
