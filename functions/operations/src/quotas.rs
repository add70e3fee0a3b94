//! Tenants whose quota of calls to the ERP is used up, and the notifications that wait for it.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::route::Asked;
use crate::types::{QuotaView, Quotas};
use futures::future::try_join_all;
use webhooks_host::Host;
use webhooks_store::{Mark, StoreError};

/// Lists the tenants with notifications that wait for a quota, and about when these are done.
#[utoipa::path(get, path = "/operations/v1/quotas", tag = "read",
    responses((status = 200, body = Quotas), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, _: Asked) -> Result<Json<Quotas>, Problem> {
    Ok(Json(Quotas { items: operations.limited().await? }))
}

impl<P: Ports> Operations<P> {
    /// The tenants with notifications that wait for their quota.
    pub(crate) async fn limited(&self) -> Result<Vec<QuotaView>, StoreError> {
        let (allowances, now) = (self.store.allowances().await?, self.host.now());
        let views = allowances.iter().map(|allowance| async move {
            let waiting = self.store.count_marked(&Mark::Limited.value(&allowance.tenant)).await?;
            Ok::<_, StoreError>(QuotaView::new(allowance, waiting, now))
        });
        Ok(try_join_all(views).await?.into_iter().filter(|view| view.waiting > 0).collect())
    }
}
