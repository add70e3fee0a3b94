//! Tenants whose calls to the ERP are used up, and how long what waits for them will take.

use crate::access::{Access, Caller};
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::types::{QuotaView, Quotas};
use axum::Json;
use axum::extract::State;
use futures::future::try_join_all;
use webhooks_host::Host;
use webhooks_store::{Allowances, Mark, Records, StoreError};

/// What waits for a quota, and about when it is done.
#[utoipa::path(get, path = "/operations/v1/quotas", tag = "read",
    responses((status = 200, body = Quotas), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
) -> Result<Json<Quotas>, Problem> {
    operations.roles.admit(&caller, Access::Read)?;
    Ok(Json(Quotas { items: operations.limited().await? }))
}

impl<P: Ports> Operations<P> {
    /// Each tenant for whose calls something waits.
    pub(crate) async fn limited(&self) -> Result<Vec<QuotaView>, StoreError> {
        let (allowances, now) = (self.store.allowances().await?, self.host.now());
        let views = allowances.iter().map(|allowance| async move {
            let waiting = self.store.count_marked(&Mark::Limited.value(&allowance.tenant)).await?;
            Ok::<_, StoreError>(QuotaView::new(allowance, waiting, now))
        });
        Ok(try_join_all(views).await?.into_iter().filter(|view| view.waiting > 0).collect())
    }
}
