//! Resends of parked feedback by filter: a plan with the causes, and a job.

use crate::body::{self, Json};
use crate::jobs;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, LONGEST_LOOK};
use crate::route::Asked;
use crate::types::jobs::{JobView, Plan, Planned};
use crate::types::left_out;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::work::{ParkedFeedback, Work};
use webhooks_model::{Reason, from_objects, sorted};
use webhooks_store::Record;

/// The most reads of a plan, of a hundred entries each.
const LONGEST_PLAN: usize = 50;
const AT_ONCE: u8 = 100;
const SAMPLE: usize = 10;
const CAUSES: usize = 20;
const LONGEST_CAUSE: usize = 300;

/// Shows which feedback a resend would send and why it was parked, without sending it.
#[utoipa::path(post, path = "/operations/v1/feedback/plans", tag = "repair", request_body = NewResend,
    responses((status = 200, body = ResendPlan), Problem))]
pub(crate) async fn plan<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<ResendPlan>, Problem> {
    let (filter, rate, _) = operations.read_resend(&asked.body)?;
    Ok(Json(operations.plan_resend(&filter, rate).await?))
}

/// Begins a job that resends parked feedback. It never resends feedback that Visma Net accepted.
#[utoipa::path(post, path = "/operations/v1/feedback/resends", tag = "repair", request_body = NewResend,
    responses((status = 202, body = JobView), Problem))]
pub(crate) async fn begin<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let (filter, rate, note) = operations.read_resend(&asked.body)?;
    let ResendPlan { plan, .. } = operations.plan_resend(&filter, rate).await?;
    let job = operations.new_job(Work::Resend(filter), rate, &asked.by, &note);
    operations.begin_planned(job, &plan, "resend_parked_feedback").await
}

impl<P: Ports> Operations<P> {
    fn read_resend(&self, body: &Bytes) -> Result<(ParkedFeedback, u32, String), Problem> {
        let new: NewResend = body::required(body)?;
        let tenant = new.tenant.as_deref().map(query::tenant).transpose()?;
        let unknown = || Problem::invalid("reason", "It must be a reason's code, such as feedback_refused.");
        let reason = new.reason.map(|code| Reason::parse(&code).ok_or_else(unknown)).transpose()?;
        if new.cause.as_deref().is_some_and(|cause| cause.chars().count() > LONGEST_CAUSE) {
            return Err(Problem::invalid("cause", format!("It may have at most {LONGEST_CAUSE} characters.")));
        }
        // Feedback parked after now may be a result of this job.
        let now = self.host.now();
        let to = query::time("to", new.to.map_or(now, |to| to.min(now)))?;
        let from = new.from.map(|from| query::time("from", from)).transpose()?;
        if from.is_some_and(|from| from >= to) {
            return Err(Problem::invalid("from", "It must be before `to` and before now."));
        }
        let filter = ParkedFeedback { tenant, reason, cause: new.cause, from, to };
        Ok((filter, jobs::rate(new.rate)?, query::note(&new.note)?.to_owned()))
    }

    async fn plan_resend(&self, filter: &ParkedFeedback, rate: u32) -> Result<ResendPlan, Problem> {
        let (mut count, mut causes, mut position) = (0_u64, BTreeMap::new(), None::<String>);
        let (mut first, mut unread): (Vec<Record>, usize) = (vec![], 0);
        let ends_at = self.host.now() + LONGEST_LOOK;
        for _ in 0..LONGEST_PLAN {
            let page = self.store.parked(filter, position.as_deref(), AT_ONCE).await?;
            for record in page.records.into_iter().filter(|record| record.feedback == Some(FeedbackState::Parked)) {
                let (reason, cause) = record.refusal();
                *causes.entry((reason.to_owned(), cause.to_owned())).or_insert(0_u64) += 1;
                count += 1;
                if first.len() < SAMPLE {
                    first.push(record);
                }
            }
            unread += page.unread;
            position = page.position;
            if position.is_none() || self.host.now() >= ends_at {
                break;
            }
        }
        self.introduce(&first).await;
        let notifications: Vec<Planned> = first.iter().map(Planned::from).collect();
        let sample = notifications.iter().map(|one| one.reference.clone()).collect();
        let (seconds, at_least) = (count.div_ceil(rate.into()), position.is_some());
        let left_out = left_out(unread);
        let plan = Plan { count, at_least, seconds, sample, notifications, dies_again: None, left_out };
        let cause = |((reason, cause), count)| Cause { reason, cause, count };
        let causes = sorted::first(CAUSES, causes.into_iter().map(cause), |one, other| other.count.cmp(&one.count));
        Ok(ResendPlan { plan, causes })
    }
}

/// Selects the parked feedback to send again. All given conditions must match.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewResend {
    /// Without it, feedback of all tenants is selected.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// The reason's code of the last attempt, such as feedback_refused or gave_up.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// A part of the error of the last attempt.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub(crate) cause: Option<String>,
    /// Selects feedback parked at this time or later. Without it, there is no lower limit.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    /// Selects feedback parked before this time. Default and latest value: now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) to: Option<OffsetDateTime>,
    /// Feedback messages per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewResend);

/// What a resend would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResendPlan {
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// Why the feedback was parked: at most 20 causes, the most frequent first.
    pub(crate) causes: Vec<Cause>,
}

/// A cause for parked feedback, and how often it occurs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cause {
    /// A reason's code.
    pub(crate) reason: String,
    /// The error of the last attempt.
    pub(crate) cause: String,
    pub(crate) count: u64,
}
