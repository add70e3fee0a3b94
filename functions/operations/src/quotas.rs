//! Tenants whose quota of calls to the ERP is used up, and the notifications that wait for it.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::route::Asked;
use futures::future::try_join_all;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::Allowance;
use webhooks_store::{Mark, StoreError};

/// The number of tenants that are counted at the same time, with two queries each.
const AT_ONCE: usize = 8;

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
        let mut views = vec![];
        for some in allowances.chunks(AT_ONCE) {
            let some = some.iter().map(|allowance| async move {
                let [own, feedback] = [Mark::Limited, Mark::LimitedFeedback].map(|mark| mark.value(&allowance.tenant));
                let waiting = tokio::try_join!(self.store.count_marked(&own), self.store.count_marked(&feedback))?;
                Ok::<_, StoreError>(QuotaView::new(allowance, waiting.0 + waiting.1, now))
            });
            views.extend(try_join_all(some).await?.into_iter().filter(|view| view.waiting > 0));
        }
        Ok(views)
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quotas {
    pub(crate) items: Vec<QuotaView>,
}

/// The notifications that wait for a tenant's quota of calls to the ERP.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    pub(crate) tenant: String,
    /// Number of notifications that wait, or whose feedback waits. At most 100,000 of each are counted.
    pub(crate) waiting: u64,
    /// Calls that the ERP allows in an hour.
    calls_per_hour: u64,
    /// The ERP did not report its limit. `calls_per_hour` is the number that Visma has published.
    is_assumed: bool,
    /// Calls per notification, including its feedback.
    calls_each: u64,
    /// When the ERP resets the quota.
    #[serde(with = "time::serde::rfc3339")]
    resets_at: OffsetDateTime,
    /// Estimated time at which the last one counted continues, if nothing else uses calls.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) done_at: OffsetDateTime,
}

impl QuotaView {
    fn new(allowance: &Allowance, waiting: u64, now: OffsetDateTime) -> Self {
        Self {
            tenant: allowance.tenant.clone(),
            waiting,
            calls_per_hour: allowance.calls_per_hour(),
            is_assumed: allowance.limit.is_none(),
            calls_each: allowance.calls_each,
            resets_at: allowance.resets_at,
            done_at: allowance.done_at(waiting, now),
        }
    }
}
