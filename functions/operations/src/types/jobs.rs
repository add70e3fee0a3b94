//! Plans of jobs, and jobs with their results.

use crate::reference;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Status, Tally};
use webhooks_model::work::{ParkedFeedback, Work};
use webhooks_model::{LedgerKey, State};
use webhooks_store::{Found, Record};

/// What a job would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plan {
    pub(crate) count: u64,
    /// Counting stopped at a limit, so there are at least `count`.
    pub(crate) at_least: bool,
    /// Estimated duration at the requested rate.
    pub(crate) seconds: u64,
    /// The `ref`s of the first ones.
    pub(crate) sample: Vec<String>,
    /// The same ones with entity, number and state. Only for a replay or a resend.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notifications: Vec<Planned>,
    /// How many of the sample would die again. Only for a redrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dies_again: Option<u64>,
    /// Number of notifications in this time that would be passed over, since only a newer version can
    /// read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<usize>,
}

/// A notification that would be replayed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Planned {
    /// Its name in this API.
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    entity: &'static str,
    /// The entity's visible number.
    key: String,
    event: String,
    state: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
}

impl Planned {
    fn new(key: &LedgerKey, event: &str, state: State, received_at: OffsetDateTime) -> Self {
        Self {
            reference: reference::of(key, received_at),
            entity: key.entity.entity.as_str(),
            key: key.entity.key.clone(),
            event: event.to_owned(),
            state: state.as_str(),
            received_at,
        }
    }
}

impl From<&Found> for Planned {
    fn from(found: &Found) -> Self {
        Self::new(&found.key, &found.event, found.state, found.received_at)
    }
}

impl From<&Record> for Planned {
    fn from(record: &Record) -> Self {
        Self::new(&record.key, &record.event, record.state, record.received_at)
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    id: Uuid,
    /// replay, resend, redrive, release or erase.
    kind: &'static str,
    /// running, finished or cancelled.
    status: &'static str,
    /// The notifications that a replay selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    /// The feedback that a resend selects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    feedback: Option<ParkedFeedback>,
    /// The queue whose dead letters a redrive sends again.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'static str>,
    /// The id of the message, if a redrive sends only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The tenant, if the job concerns only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    rate: u32,
    by: String,
    note: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Messages put on a queue, or items deleted by an erasure.
    done: u64,
    /// Selected but left unchanged: deleted meanwhile, in a state that forbids the action, or left to
    /// a newer version.
    skipped: u64,
    /// The number that the filter found when the job began. Absent if it was too large to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u64>,
    /// The time of receipt up to which a replay of one tenant has read the notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<String>,
    /// The results of the notifications that a replay or a resend put back on a queue. Present
    /// after the job ended. They are counted when you request the job by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<Outcomes>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Outcomes {
    succeeded: u64,
    /// Notifications that need a person again.
    failed: u64,
    under_way: u64,
    /// Number of notifications whose result is unknown, since only a newer version can read them. Some
    /// may not be of this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
    /// All are counted. If false, request the job again to continue counting.
    is_whole: bool,
    #[serde(with = "time::serde::rfc3339")]
    counted_at: OffsetDateTime,
}

impl From<&Tally> for Outcomes {
    fn from(tally: &Tally) -> Self {
        let Tally { succeeded, failed, under_way, unread, is_whole, counted_at, .. } = *tally;
        Self { succeeded, failed, under_way, left_out: (unread > 0).then_some(unread), is_whole, counted_at }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jobs {
    pub(crate) items: Vec<JobView>,
    /// Number of jobs left out, since only a newer version can read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<usize>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let outcomes = job.counted().filter(|_| job.progress.status != Status::Running).map(Outcomes::from);
        // Over all tenants there is no such time.
        let place = job
            .progress
            .position
            .as_deref()
            .filter(|_| matches!(&job.work, Work::Replay(filter) if filter.tenant.is_some()));
        let reached = place.and_then(|position| position.split('#').next()).map(str::to_owned);
        let (kind, tenant) = (job.work.as_str(), job.work.tenant().map(str::to_owned));
        let (filter, feedback, redrive) = match job.work {
            Work::Replay(filter) => (Some(filter), None, None),
            Work::Resend(parked) => (None, Some(parked), None),
            Work::Redrive(redrive) => (None, None, Some(redrive)),
            Work::Release | Work::Erase { .. } => (None, None, None),
        };
        Self {
            id: job.id,
            kind,
            status: job.progress.status.as_str(),
            filter,
            feedback,
            queue: redrive.as_ref().map(|redrive| redrive.queue.as_str()),
            message: redrive.and_then(|redrive| redrive.message),
            tenant,
            rate: job.rate,
            by: job.by,
            note: job.note,
            created_at: job.created_at,
            updated_at: job.progress.updated_at,
            done: job.progress.done,
            skipped: job.progress.skipped,
            expected: job.expected,
            reached,
            outcomes,
        }
    }
}
