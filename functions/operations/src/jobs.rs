//! Jobs: plan and begin a replay; list, cancel and resume jobs of any kind.

use crate::access::Access;
use crate::audit::Deed;
use crate::body::{self, Json};
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, LONGEST_LOOK};
use crate::route::Asked;
use crate::types::jobs::{JobView, Jobs, Plan, Planned};
use crate::types::left_out;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::audit::Target;
use webhooks_model::filter::Filter;
use webhooks_model::from_objects;
use webhooks_model::job::{self, FASTEST, Job, Progress, Status};
use webhooks_model::work::Work;
use webhooks_queue::{Message, Sender};

const USUAL_RATE: u32 = 10;
/// The most pages of a plan, of a hundred entries each.
const LONGEST_PLAN: usize = 50;
const SAMPLE: usize = 10;
const NEWEST: i32 = 50;
/// The repair function may write between our read and our write.
const TRIES: usize = 5;

/// Shows what a replay would do, without doing it.
#[utoipa::path(post, path = "/operations/v1/plans", tag = "repair", request_body = NewJob,
    responses((status = 200, body = Plan), Problem))]
pub(crate) async fn plan<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Plan>, Problem> {
    let (filter, rate, _) = read(&asked.body)?;
    Ok(Json(operations.plan(&filter, rate).await?))
}

/// Begins a job that replays all notifications the filter finds. Use `plans` to see them first.
#[utoipa::path(post, path = "/operations/v1/jobs", tag = "repair", request_body = NewJob,
    responses((status = 202, body = JobView), Problem))]
pub(crate) async fn begin<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let (filter, rate, note) = read(&asked.body)?;
    // Counted again, also right after a plan: a program may begin without one, and more may have
    // come since. The number is shown beside the progress of this job.
    let plan = operations.plan(&filter, rate).await?;
    let job = operations.new_job(filter, rate, &asked.by, &note);
    operations.begin_planned(job, &plan, "begin_job").await
}

/// Lists the newest jobs.
#[utoipa::path(get, path = "/operations/v1/jobs", tag = "read",
    responses((status = 200, body = Jobs), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, _: Asked) -> Result<Json<Jobs>, Problem> {
    let (jobs, unread) = operations.store.jobs(NEWEST).await?;
    Ok(Json(Jobs { items: jobs.into_iter().map(JobView::from).collect(), left_out: left_out(unread) }))
}

/// Shows a job and its progress.
///
/// For a replay or a resend that has ended, it also shows the results (`outcomes`).
#[utoipa::path(get, path = "/operations/v1/jobs/{id}", tag = "read", params(("id" = Uuid, Path)),
    responses((status = 200, body = JobView), Problem))]
pub(crate) async fn one<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<JobView>, Problem> {
    let job = operations.job(&asked.name).await?;
    Ok(Json(operations.counted(job).await?.into()))
}

/// Stops a job before its next slice.
#[utoipa::path(post, path = "/operations/v1/jobs/{id}/cancel", tag = "repair", params(("id" = Uuid, Path)),
    responses((status = 200, body = JobView), Problem))]
pub(crate) async fn cancel<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<JobView>, Problem> {
    let job = operations.job(&asked.name).await?;
    let deed = Deed { by: &asked.by, role: Access::Repair, what: "cancel_job", on: on_job(&job) };
    let job = operations.audited(deed, operations.set(job, Status::Cancelled)).await?;
    Ok(Json(job.into()))
}

/// Resumes a job that was cancelled or that has stopped.
///
/// An erasure that was cancelled cannot be resumed. If it has stopped, this needs the role `erase`
/// too, and the tenant must still be paused.
#[utoipa::path(post, path = "/operations/v1/jobs/{id}/resume", tag = "repair", params(("id" = Uuid, Path)),
    responses((status = 202, body = JobView), Problem))]
pub(crate) async fn resume<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let job = operations.job(&asked.name).await?;
    let role = if matches!(job.work, Work::Erase { .. }) { Access::Erase } else { Access::Repair };
    operations.roles.admit(&asked.caller, role)?;
    let deed = Deed { by: &asked.by, role, what: "resume_job", on: on_job(&job) };
    let resumed = async {
        let job = operations.set(job, Status::Running).await?;
        operations.go_on(job.id).await?;
        Ok(job)
    };
    let job = operations.audited(deed, resumed).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}

fn read(body: &Bytes) -> Result<(Filter, u32, String), Problem> {
    let new: NewJob = body::required(body)?;
    let states = new.states.iter().map(|state| query::state("states", state)).collect::<Result<_, _>>()?;
    let entity = new.entity.as_deref().map(query::entity).transpose()?;
    let tenant = new.tenant.as_deref().map(query::tenant).transpose()?;
    let (from, to) = (query::time("from", new.from)?, query::time("to", new.to)?);
    let filter = Filter { tenant, states, entity, event: new.event, from, to };
    filter.check().map_err(|error| Problem::invalid("from", error.to_string()))?;
    Ok((filter, rate(new.rate)?, query::note(&new.note)?.to_owned()))
}

pub(crate) fn rate(asked: Option<u32>) -> Result<u32, Problem> {
    let rate = asked.unwrap_or(USUAL_RATE);
    let fits = (1..=FASTEST).contains(&rate);
    fits.then_some(rate).ok_or_else(|| Problem::invalid("rate", format!("It must be from 1 to {FASTEST} per second.")))
}

pub(crate) fn on_job(job: &Job) -> Target {
    Target { tenant: job.work.tenant().map(str::to_owned), kind: "job".into(), name: job.id.to_string() }
}

fn unknown() -> Problem {
    Problem::unknown("unknown_job", "No job has this id; it may have expired.")
}

impl<P: Ports> Operations<P> {
    pub(crate) fn new_job(&self, work: impl Into<Work>, rate: u32, by: &str, note: &str) -> Job {
        Job::new(self.host.new_id(), work, rate, by, note, self.host.now())
    }

    /// Begins the job that a plan was made for.
    pub(crate) async fn begin_planned(
        &self,
        job: Job,
        plan: &Plan,
        what: &'static str,
    ) -> Result<(StatusCode, Json<JobView>), Problem> {
        let job = Job { expected: (!plan.at_least).then_some(plan.count), ..job };
        let deed = Deed { by: &job.by, role: Access::Repair, what, on: on_job(&job) };
        self.audited(deed, self.begin(&job)).await?;
        Ok((StatusCode::ACCEPTED, Json(job.into())))
    }

    async fn plan(&self, filter: &Filter, rate: u32) -> Result<Plan, Problem> {
        let (mut count, mut first, mut position): (u64, Vec<Planned>, Option<String>) = (0, vec![], None);
        let (mut tenants, mut unread) = (BTreeSet::new(), 0);
        let ends_at = self.host.now() + LONGEST_LOOK;
        for _ in 0..LONGEST_PLAN {
            let page = self.store.feed_page(filter, position.as_deref(), 100).await?;
            count += page.found.len() as u64;
            unread += page.unread;
            let sample = page.found.iter().take(SAMPLE - first.len());
            tenants.extend(sample.clone().map(|found| found.key.entity.tenant.clone()));
            first.extend(sample.map(Planned::from));
            position = page.position;
            if position.is_none() || self.host.now() >= ends_at {
                break;
            }
        }
        for tenant in tenants {
            self.introduce_tenant(&tenant).await;
        }
        let sample = first.iter().map(|one| one.reference.clone()).collect();
        let (seconds, at_least) = (count.div_ceil(rate.into()), position.is_some());
        let left_out = left_out(unread);
        Ok(Plan { count, at_least, seconds, sample, notifications: first, dies_again: None, left_out })
    }

    /// Saves the job before it sends the message. A message about an unknown job does nothing.
    pub(crate) async fn begin(&self, job: &Job) -> Result<(), Problem> {
        self.check_paused(&job.work).await?;
        self.store.create(job).await?;
        let sent = self.go_on(job.id).await;
        if sent.is_err() {
            // The operator will begin another one. If its message went out after all, a slice may have
            // changed it, and then it goes on.
            let progress = Progress { status: Status::Cancelled, ..job.progress.clone() };
            let _ = self.store.progress(job.id, &progress).await;
        }
        sent
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Job, Problem> {
        let id = Uuid::try_parse(id).map_err(|_| Problem::no_job_id())?;
        self.store.job(id).await?.ok_or_else(unknown)
    }

    async fn set(&self, mut job: Job, status: Status) -> Result<Job, Problem> {
        for _ in 0..TRIES {
            let detail = match (job.progress.status, &job.work) {
                (Status::Finished, _) => Some("The job has finished."),
                // Only a new one has to be confirmed.
                (Status::Cancelled, Work::Erase { .. }) if status == Status::Running => {
                    Some("A cancelled erasure cannot go on. Begin a new one.")
                }
                _ => None,
            };
            if let Some(detail) = detail {
                return Err(Problem::conflict("has_ended", detail));
            }
            if status == Status::Running {
                self.check_paused(&job.work).await?;
            }
            job.progress.status = status;
            job.progress.updated_at = self.host.now();
            if self.store.progress(job.id, &job.progress).await? {
                return Ok(job);
            }
            job = self.store.job(job.id).await?.ok_or_else(unknown)?;
        }
        Err(Problem::conflict("busy", "The job changed at the same time; try again."))
    }

    /// An erasure begins and goes on only while all events of its tenant are paused.
    async fn check_paused(&self, work: &Work) -> Result<(), Problem> {
        let Work::Erase { tenant } = work else { return Ok(()) };
        let pauses = self.store.pauses(self.host.now()).await?;
        // A pause that ends by itself may end before the job.
        if pauses.iter().any(|pause| pause.until.is_none() && pause.covers_all_of(tenant)) {
            return Ok(());
        }
        let detail = "First pause all events (*) of the tenant without an end. Leave it in the settings until the job \
                      has finished.";
        Err(Problem::conflict("not_paused", detail))
    }

    async fn go_on(&self, id: Uuid) -> Result<(), Problem> {
        self.repairs.send(Message { body: job::message(id), group: None, attributes: &[], trace: None }).await?;
        Ok(())
    }
}

/// Selects the notifications to replay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewJob {
    /// Without it, notifications of all known tenants are selected.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// If empty, notifications in any state are replayed.
    #[serde(default)]
    pub(crate) states: Vec<String>,
    #[serde(default)]
    pub(crate) entity: Option<String>,
    /// The event's name in the catalogue.
    #[serde(default)]
    pub(crate) event: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) to: OffsetDateTime,
    /// Notifications per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewJob);
