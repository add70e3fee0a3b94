//! Carries out one slice of a job.

use crate::ports::{Ports, QueuePair};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use std::fmt;
use std::time::Duration;
use tracing::Instrument;
use uuid::Uuid;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_model::Work;
use webhooks_model::job::{Job, Progress, Status, job_of, message};
use webhooks_model::retry::Next;
use webhooks_queue::{Message, QueueError, Sender};
use webhooks_store::{StoreError, Table};

/// After this many receives, a new message replaces the old one. SQS drops a message after 1,000.
const RENEW_AFTER: u32 = 900;
/// The same after this time. SQS drops a message after seven days, however often it was received.
const RENEW_DAILY: time::Duration = time::Duration::DAY;
pub(crate) const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How long a slice has the job for itself, unless it finishes earlier.
const CLAIMED_FOR: Duration = AFTER_FAILURE;
/// An operator may cancel or resume the job between our read and our write.
const TRIES: usize = 5;

pub struct Repair<P: Ports> {
    pub store: Table<P::Items>,
    pub notifications: P::Queue,
    pub repairs: P::Queue,
    pub queue_pairs: Vec<QueuePair<P::Queue>>,
    /// The longest time-out of a function that writes to the table.
    pub longest_timeout: time::Duration,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
}

/// The progress of a slice, and how long after its start the next one is due.
pub(crate) struct Slice {
    pub(crate) progress: Progress,
    pub(crate) wait: Duration,
}

/// The time that `many` notifications, messages or items take at the job's rate.
pub(crate) fn lasting(many: usize, job: &Job) -> Duration {
    Duration::from_millis(u64::try_from(many).unwrap_or_default() * 1000 / u64::from(job.rate))
}

impl<P: Ports> Repair<P> {
    /// Handles a batch. `budget` is the time for it.
    pub async fn batch(&self, event: SqsEvent, request_id: &str, budget: Duration) -> SqsBatchResponse {
        let each = |received| self.message(received);
        let response = webhooks_batch::run(event, &self.repairs, budget, each).await;
        self.metrics.flush(request_id);
        response
    }

    async fn message(&self, received: Received) -> Outcome {
        let Some(id) = job_of(&received.body) else {
            tracing::error!("a foreign message on the repairs queue");
            return Outcome::Again { wait: AFTER_FAILURE };
        };
        let work = async {
            match self.go_on(id, &received).await {
                Ok(outcome) => outcome,
                Err(failure) => {
                    let reason = failure.next().reason();
                    tracing::warn!(reason = reason.as_str(), "the slice will be repeated: {failure}");
                    Outcome::Again { wait: AFTER_FAILURE }
                }
            }
        };
        work.instrument(tracing::info_span!("job", job = %id)).await
    }

    async fn go_on(&self, id: Uuid, received: &Received) -> Result<Outcome, Failure> {
        let Some(mut job) = self.store.job(id).await?.filter(|job| job.progress.status == Status::Running) else {
            tracing::info!("the job has ended");
            return Ok(Outcome::Done);
        };
        let begun = self.host.now();
        if begun < job.progress.due_at || !self.claim(&mut job).await? {
            return self.later(&job, received).await;
        }
        let Slice { mut progress, wait } = match &job.work {
            Work::Replay(filter) => self.replays(&job, filter, received).await?,
            Work::Redrive(redrive) => self.redrives(&job, redrive).await?,
            Work::Release => self.releases(&job, received).await?,
            Work::Erase { tenant } => self.erases(&job, tenant).await?,
            Work::Resend(filter) => self.resends(&job, filter, received).await?,
        };
        progress.updated_at = self.host.now();
        progress.due_at = begun + wait;
        if !self.write(&job, &mut progress).await? {
            tracing::info!("another message continues the job");
            return self.later(&job, received).await;
        }
        tracing::info!(
            kind = job.work.as_str(),
            done = progress.done,
            skipped = progress.skipped,
            status = progress.status.as_str(),
            "slice done"
        );
        if progress.status != Status::Running {
            return Ok(Outcome::Done);
        }
        self.later(&Job { progress, ..job }, received).await
    }

    /// Takes the job for this message. If there are two messages about a job, only one may continue
    /// it; both would send the same notifications.
    async fn claim(&self, job: &mut Job) -> Result<bool, Failure> {
        // The table stores milliseconds.
        let due_at = self.host.now() + CLAIMED_FOR;
        job.progress.due_at = due_at.replace_millisecond(due_at.millisecond()).unwrap_or(due_at);
        let is_ours = self.store.progress(job.id, &job.progress).await?;
        job.progress.revision += 1;
        Ok(is_ours)
    }

    /// Saves the progress of the slice. An operator who cancelled or resumed the job meanwhile has
    /// changed only its status.
    pub(crate) async fn write(&self, job: &Job, progress: &mut Progress) -> Result<bool, Failure> {
        for _ in 0..TRIES {
            if self.store.progress(job.id, progress).await? {
                return Ok(true);
            }
            let Some(known) = self.store.job(job.id).await? else { return Ok(false) };
            if known.progress.due_at != job.progress.due_at {
                return Ok(false);
            }
            progress.revision = known.progress.revision;
            if progress.status == Status::Running {
                progress.status = known.progress.status;
            }
        }
        Ok(false)
    }

    /// Makes the message come again when the job is due, or replaces it before SQS drops it.
    async fn later(&self, job: &Job, received: &Received) -> Result<Outcome, Failure> {
        let is_old = received.sent_at.is_some_and(|sent_at| self.host.now() - sent_at >= RENEW_DAILY);
        if received.receive_count >= RENEW_AFTER || is_old {
            self.send_on(job.id, received).await?;
            return Ok(Outcome::Done);
        }
        let wait = (job.progress.due_at - self.host.now()).max(time::Duration::ZERO).unsigned_abs();
        Ok(Outcome::Again { wait })
    }

    async fn send_on(&self, id: Uuid, received: &Received) -> Result<(), QueueError> {
        let trace = received.trace.as_ref();
        self.repairs.send(Message { body: message(id), group: None, attributes: &[], trace }).await
    }
}

/// The reasons why a slice fails.
#[derive(Debug)]
pub(crate) enum Failure {
    Store(StoreError),
    Queue(QueueError),
    /// A job that this version of the function does not know.
    Unknown,
}

impl Failure {
    fn next(&self) -> Next {
        match self {
            Self::Store(error) => error.next(),
            Self::Queue(error) => error.next(),
            Self::Unknown => Next::Bug,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Queue(error) => error.fmt(f),
            Self::Unknown => f.write_str("the job's position cannot be read"),
        }
    }
}
