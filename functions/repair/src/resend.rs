//! Resends of parked feedback.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{AFTER_FAILURE, Repair, Slice, lasting};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::QueueName;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::job::{Job, Progress, Status};
use webhooks_model::work::ParkedFeedback;
use webhooks_queue::{Message, Sender};
use webhooks_store::{Action, Deed, Record};

/// The most entries that a slice reads without a match.
const MOST_LOOKED_AT: usize = 100;

impl<P: Ports> Repair<P> {
    /// Resends the feedback parked last first. Feedback that is parked again meanwhile is newer
    /// than everything that matches the filter.
    pub(crate) async fn resends(
        &self,
        job: &Job,
        filter: &ParkedFeedback,
        received: &Received,
    ) -> Result<Slice, Failure> {
        let mut progress = job.progress.clone();
        let resent = self.resend_some(job, filter, &mut progress, received).await;
        let found = seen(&progress) - seen(&job.progress);
        match resent {
            // The feedback resent so far is saved as progress.
            Err(failure) if found > 0 => {
                tracing::warn!("the slice ends early: {failure}");
                Ok(Slice { progress, wait: AFTER_FAILURE })
            }
            resent => resent.map(|()| Slice { progress, wait: lasting(found, job) }),
        }
    }

    async fn resend_some(
        &self,
        job: &Job,
        filter: &ParkedFeedback,
        progress: &mut Progress,
        received: &Received,
    ) -> Result<(), Failure> {
        let (rate, begun) = (job.rate as usize, seen(progress));
        let mut looked_at = 0;
        while seen(progress) - begun < rate && looked_at < MOST_LOOKED_AT {
            let most = rate - (seen(progress) - begun);
            let asked = u8::try_from(most).expect("a hundred at most");
            let (records, next) = self.store.parked(filter, progress.position.as_deref(), asked).await?;
            for record in &records {
                let (resent, unsent) = match self.resend(job, record, received).await {
                    // It is recorded and watched, so the reconciler sends it.
                    Err(Failure::Queue(error)) => (true, Some(error)),
                    resent => (resent?, None),
                };
                progress.done += u64::from(resent);
                progress.skipped += u64::from(!resent);
                progress.position = Some(serde_json::to_string(&record.position).expect("texts always serialise"));
                if let Some(error) = unsent {
                    return Err(error.into());
                }
            }
            looked_at += most;
            progress.position = next;
            if progress.position.is_none() {
                progress.status = Status::Finished;
                break;
            }
        }
        Ok(())
    }

    /// Records and watches the resend, then sends the feedback. `false` if it is no longer parked.
    async fn resend(&self, job: &Job, record: &Record, received: &Received) -> Result<bool, Failure> {
        let queue_pair = self
            .queue_pairs
            .iter()
            .find(|queue_pair| queue_pair.name == QueueName::Feedback)
            .ok_or(Failure::Unknown)?;
        let note = job.note_beside();
        let action = Action { deed: Deed::ResendParked, at: self.host.now(), by: &job.by, note: &note };
        if !self.store.act(&record.key, action).await? {
            return Ok(false);
        }
        let message = FeedbackMessage::Feedback { notification: record.key.clone() };
        let body = serde_json::to_string(&message).expect("names and ids always serialise");
        let (group, trace) = (Some(record.key.entity.tenant.as_str()), received.trace.as_ref());
        queue_pair.source.send(Message { body, group, attributes: &[], trace }).await?;
        Ok(true)
    }
}

fn seen(progress: &Progress) -> usize {
    usize::try_from(progress.done + progress.skipped).unwrap_or(usize::MAX)
}
