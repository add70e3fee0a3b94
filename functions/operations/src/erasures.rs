//! Erasures: deleting all data of a tenant on request.

use crate::access::Access;
use crate::audit::Deed;
use crate::body::{self, Json};
use crate::jobs;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, LONGEST_LOOK};
use crate::route::Asked;
use crate::types::jobs::{JobView, Plan};
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::from_objects;
use webhooks_model::work::Work;

/// The most pages of the table that a plan reads, of at most 1,000 items each.
const LONGEST_PLAN: usize = 200;

/// Shows how much an erasure would delete, without deleting it.
#[utoipa::path(post, path = "/operations/erasures/plans", tag = "erase", request_body = NewErasure,
    responses((status = 200, body = Plan), Problem))]
pub(crate) async fn plan<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Plan>, Problem> {
    let (tenant, rate, _) = read(&asked.body)?;
    let (mut count, mut position) = (0, None::<String>);
    let ends_at = operations.host.now() + LONGEST_LOOK;
    for _ in 0..LONGEST_PLAN {
        let kept = operations.store.kept(&tenant, position.as_deref()).await?;
        count += kept.keys.len() as u64;
        position = kept.next;
        if position.is_none() || operations.host.now() >= ends_at {
            break;
        }
    }
    let seconds = count.div_ceil(rate.into());
    let at_least = position.is_some();
    let (sample, notifications) = (vec![], vec![]);
    Ok(Json(Plan { count, at_least, seconds, sample, notifications, dies_again: None, left_out: None }))
}

/// Begins a job that permanently deletes all data of a tenant.
///
/// All events of the tenant must be paused, without an end. Otherwise what comes meanwhile would be
/// processed, and the state of its entity deleted. Leave the tenant in the settings until the job
/// has finished.
#[utoipa::path(post, path = "/operations/erasures", tag = "erase", request_body = NewErasure,
    responses((status = 202, body = JobView), Problem))]
pub(crate) async fn begin<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let (tenant, rate, note) = read(&asked.body)?;
    let job = operations.new_job(Work::Erase { tenant }, rate, &asked.by, &note);
    let (on, begun) = (jobs::on_job(&job), operations.begin(&job));
    operations.audited(Deed { by: &asked.by, role: Access::Erase, what: "erase_tenant", on }, begun).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}

fn read(body: &Bytes) -> Result<(String, u32, String), Problem> {
    let new: NewErasure = body::required(body)?;
    let tenant = query::tenant(&new.tenant)?;
    if !new.confirm.eq_ignore_ascii_case(&tenant) {
        return Err(Problem::invalid("confirm", "Repeat the tenant here. Deleted data cannot be restored."));
    }
    Ok((tenant, jobs::rate(new.rate)?, query::note(&new.note)?.to_owned()))
}

/// The tenant whose data to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewErasure {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: String,
    /// The same tenant again, as confirmation.
    pub(crate) confirm: String,
    /// Items per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewErasure);
