//! Numbers by hour or day, of one tenant or of all. They come from roll-ups that the reconciler
//! writes, never from the notifications.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Parameters};
use crate::route::Asked;
use crate::types::overview::{Overview, Step, Waiting};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_store::{Mark, StoreError};

/// The default and the longest range, by hour and by day.
const SPANS: [(Duration, Duration); 2] =
    [(Duration::hours(24), Duration::days(7)), (Duration::days(14), Duration::days(90))];
const PAUSED: &str = "paused";

/// Shows how many notifications came, how they ended and how long it took.
///
/// The numbers are by hour or day of receipt. `counted_to` says how old they are.
#[utoipa::path(get, path = "/operations/v1/overview", tag = "read", params(
    ("tenant" = Option<String>, Query, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$",
        description = "all tenants together by default"),
    ("from" = Option<String>, Query, format = DateTime,
        description = "24 hours (by hour) or 14 days (by day) before `to` by default; at most 7 or 90 days before"),
    ("to" = Option<String>, Query, format = DateTime, description = "now by default"),
    ("by" = Option<String>, Query, description = "hour or day (of UTC); hour by default")),
    responses((status = 200, body = Overview), Problem))]
pub(crate) async fn show<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Overview>, Problem> {
    let parameters = Parameters::new(asked.query, &["tenant", "from", "to", "by"])?;
    let tenant = parameters.get("tenant").map(query::tenant).transpose()?;
    let (step, from, to) = span(&parameters, operations.host.now())?;
    let (rolled, summary, waiting) = tokio::try_join!(
        operations.store.rollups(tenant.as_deref(), from, to),
        operations.store.summary(),
        operations.waiting(tenant.as_deref())
    )?;
    Ok(Json(Overview::new(tenant, step, (from, to), &rolled, summary, waiting)))
}

/// The range in whole hours or days, including the one that contains `to`.
fn span(parameters: &Parameters, now: OffsetDateTime) -> Result<(Step, OffsetDateTime, OffsetDateTime), Problem> {
    let (step, (usual, most)) = match parameters.get("by") {
        None | Some("hour") => (Step::Hour, SPANS[0]),
        Some("day") => (Step::Day, SPANS[1]),
        Some(_) => return Err(Problem::invalid("by", "It must be hour or day.")),
    };
    let to = step.up(parameters.time("to")?.unwrap_or(now));
    let from = step.down(parameters.time("from")?.unwrap_or(to - usual));
    let fits = from < to && to - from <= most;
    let wrong = || Problem::invalid("from", format!("It must be before `to`, by at most {} days.", most.whole_days()));
    fits.then_some((step, from, to)).ok_or_else(wrong)
}

impl<P: Ports> Operations<P> {
    /// What waits now. Only waits for a quota are counted by tenant.
    async fn waiting(&self, tenant: Option<&str>) -> Result<Waiting, StoreError> {
        let limited = self.limited().await?;
        let all = match tenant {
            Some(_) => None,
            None => Some(tokio::try_join!(
                self.store.count_marked(Mark::Retrying.as_str()),
                self.store.count_marked(PAUSED)
            )?),
        };
        Ok(Waiting::new(&limited, tenant, all))
    }
}
