//! One slice of a job.

use crate::failure::Failure;
use crate::ports::{Lane, Ports};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use std::time::Duration;
use tracing::Instrument;
use uuid::Uuid;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_model::Work;
use webhooks_model::job::{Job, Progress, Status, job_of, message};
use webhooks_queue::{Message, QueueError, Sender};
use webhooks_store::Jobs;

/// So long a slice's notifications last at the job's rate, unless they are too many for one read.
const SLICE_SECONDS: u32 = 10;
const MOST_PER_SLICE: u32 = 100;
/// SQS gives up on a message after 1,000 receives.
const RENEW_AFTER: u32 = 900;
const AFTER_FAILURE: Duration = Duration::from_secs(30);

pub struct Repair<P: Ports> {
    pub store: P::Store,
    pub notifications: P::Queue,
    pub repairs: P::Queue,
    pub lanes: Vec<Lane<P::Queue>>,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
}

/// How far a slice has come, and when the next is due.
pub(crate) struct Slice {
    pub(crate) progress: Progress,
    pub(crate) wait: Duration,
}

/// So many things last so long at the job's rate.
pub(crate) fn lasting(many: usize, job: &Job) -> Duration {
    Duration::from_millis(u64::try_from(many).unwrap_or_default() * 1000 / u64::from(job.rate))
}

/// How many things a slice of the job may do.
pub(crate) fn most(job: &Job) -> u32 {
    (job.rate * SLICE_SECONDS).clamp(1, MOST_PER_SLICE)
}

impl<P: Ports> Repair<P> {
    /// `budget` is the time there is for the batch.
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
        let Some(job) = self.store.job(id).await?.filter(|job| job.progress.status == Status::Running) else {
            tracing::info!("the job has ended");
            return Ok(Outcome::Done);
        };
        let Slice { mut progress, wait } = match &job.work {
            Work::Replay(filter) => self.replays(&job, filter, received).await?,
            Work::Redrive(redrive) => self.redrives(&job, redrive).await?,
            Work::Release => self.releases(&job, received).await?,
            Work::Erase { tenant } => self.erases(&job, tenant).await?,
        };
        progress.updated_at = self.host.now();
        if !self.store.progress(id, &progress).await? {
            tracing::info!("somebody else goes on with the job, or has cancelled it");
            return Ok(Outcome::Again { wait: Duration::ZERO });
        }
        tracing::info!(
            kind = job.work.as_str(),
            done = progress.done,
            skipped = progress.skipped,
            status = progress.status.as_str(),
            "slice done"
        );
        if progress.status == Status::Finished {
            return Ok(Outcome::Done);
        }
        if received.receive_count >= RENEW_AFTER {
            self.send_on(id, received).await?;
            return Ok(Outcome::Done);
        }
        Ok(Outcome::Again { wait })
    }

    async fn send_on(&self, id: Uuid, received: &Received) -> Result<(), QueueError> {
        let trace = received.trace.as_ref();
        self.repairs.send(Message { body: message(id), group: None, attributes: &[], trace }).await
    }
}
