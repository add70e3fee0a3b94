//! Sends messages again: parked feedback, and dead letters.

use crate::ports::{Ports, QueuePair};
use crate::repair::{AFTER_FAILURE, Failure, Repair, Slice, lasting};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::QueueName;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::job::{Job, Progress, Status};
use webhooks_model::work::{ParkedFeedback, Redrive};
use webhooks_queue::{BATCH, DeadLetter, DeadLetterQueue, Message, Sender};
use webhooks_store::{Action, Deed, Record};

/// The most entries of feedback that a slice reads without a match.
const MOST_LOOKED_AT: usize = 100;
/// How long dead letters stay hidden. It is longer than a slice.
const HIDDEN: Duration = Duration::from_secs(180);
/// Short polls of SQS may miss messages; long polls do not.
const WAIT: Duration = Duration::from_secs(2);
/// The most dead letters that one slice reads. Those that it must not send stay hidden meanwhile,
/// so that it receives others.
const MOST_SEEN: usize = 1000;

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
            let page = self.store.parked(filter, progress.position.as_deref(), asked).await?;
            for record in &page.records {
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
            progress.skipped += page.unread as u64;
            looked_at += most;
            progress.position = page.position;
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

/// The position of a job that has sent nothing in its last slice.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Look {
    /// How many messages the slices before have left hidden, to receive those behind them.
    passed: u64,
    /// It had found nothing to send while messages were hidden, and waited until they are visible.
    is_second: bool,
}

/// What a slice did.
struct Sent {
    many: usize,
    /// Whether it has seen every visible message.
    is_end: bool,
}

impl<P: Ports> Repair<P> {
    /// Sends first and deletes then, so a crash in between repeats a message and loses none. The
    /// job ends when it finds no message that it may send. If the queue still hides messages, for
    /// example because SQS's answer to a receive was lost, it looks for them once more.
    pub(crate) async fn redrives(&self, job: &Job, redrive: &Redrive) -> Result<Slice, Failure> {
        let queue_pair =
            self.queue_pairs.iter().find(|queue_pair| queue_pair.name == redrive.queue).ok_or(Failure::Unknown)?;
        let mut left = vec![];
        let sent = self.send_some(job, redrive, queue_pair, &mut left).await;
        let passes = matches!(sent, Ok(Sent { many: 0, is_end: false }));
        // Also after a failure, so that the messages do not stay hidden.
        for letter in left.iter().filter(|_| !passes) {
            queue_pair.dead.show(letter).await?;
        }
        let Sent { many, .. } = sent?;
        let mut progress = job.progress.clone();
        progress.done += many as u64;
        let look = progress.position.take().and_then(|position| serde_json::from_str::<Look>(&position).ok());
        let look = look.unwrap_or_default();
        let passed = look.passed + left.len() as u64;
        // Slices read the same messages again, so only the largest number counts.
        progress.skipped = if redrive.message.is_some() { 0 } else { progress.skipped.max(passed) };
        if passes {
            progress.position = Some(position(&Look { passed, ..look }));
        } else if many == 0 && !look.is_second && queue_pair.dead.depth().await?.in_flight > 0 {
            progress.position = Some(position(&Look { passed: 0, is_second: true }));
            return Ok(Slice { progress, wait: HIDDEN });
        } else if many == 0 || redrive.message.is_some() {
            progress.status = Status::Finished;
        }
        Ok(Slice { progress, wait: lasting(many, job) })
    }

    async fn send_some(
        &self,
        job: &Job,
        redrive: &Redrive,
        queue_pair: &QueuePair<P::Queue>,
        left: &mut Vec<DeadLetter>,
    ) -> Result<Sent, Failure> {
        let most = if redrive.message.is_some() { 1 } else { job.rate as usize };
        let (mut sent, mut seen) = (0, HashSet::new());
        while sent < most && seen.len() < MOST_SEEN {
            let wanted = if redrive.message.is_some() { BATCH } else { BATCH.min(most - sent) };
            let batch = queue_pair.dead.receive(wanted, HIDDEN, WAIT).await?;
            let known = seen.len();
            seen.extend(batch.iter().map(|letter| letter.id.clone()));
            // All messages have reappeared meanwhile, so all have been seen.
            if seen.len() == known {
                left.extend(batch);
                return Ok(Sent { many: sent, is_end: true });
            }
            let (mut send, keep): (Vec<_>, Vec<_>) =
                batch.into_iter().partition(|letter| is_meant(letter, job, redrive));
            left.extend(keep.into_iter().map(DeadLetter::without_body));
            while let Some(letter) = send.pop() {
                if let Err(error) = queue_pair.source.send_again(&letter).await {
                    left.push(letter);
                    left.append(&mut send);
                    return Err(error.into());
                }
                sent += 1;
                self.metrics
                    .record(letter.group.as_deref(), [Metric::DeadLettersRedriven { kind: queue_pair.name.as_str() }]);
                queue_pair.dead.delete(&letter).await?;
            }
        }
        Ok(Sent { many: sent, is_end: false })
    }
}

fn position(look: &Look) -> String {
    serde_json::to_string(look).expect("numbers always serialise")
}

/// Whether the job should send the message. A message sent after the job began has died again, and
/// would do so for ever.
fn is_meant(letter: &DeadLetter, job: &Job, redrive: &Redrive) -> bool {
    let is_asked_for = redrive.message.as_ref().is_none_or(|id| *id == letter.id);
    is_asked_for && letter.sent_at < job.created_at && (redrive.rejected || !letter.is_rejected(redrive.queue))
}
