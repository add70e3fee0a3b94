//! Redrives dead letters.

use crate::error::Failure;
use crate::queue::{BATCH, Queue, Received};
use crate::terminal::{Stop, requested};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep_until};
use webhooks_model::QueueName;

/// Longer than the slowest batch takes at one message a second.
const HIDDEN: Duration = Duration::from_secs(60);
/// Short polls of SQS may miss messages; long polls do not.
const WAIT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Messages per second.
    pub rate: u32,
    pub limit: usize,
    /// The queue that the messages were sent to first.
    pub queue: QueueName,
    /// Whether to send messages that the feedback function rejected, too.
    pub rejected: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redriven {
    pub sent: usize,
    /// Rejected outcomes that stay in the queue.
    pub rejected: usize,
    /// Messages sent after the redrive began. They died again, and stay in the queue.
    pub dead_again: usize,
    pub interrupted: bool,
}

/// Sends first and deletes then. So a message may be sent twice, which does no harm, but is never
/// lost.
///
/// # Errors
/// The queue refuses. The messages in hand are put back.
pub async fn redrive(
    from: &impl Queue,
    to: &impl Queue,
    pace: &Pace,
    began: OffsetDateTime,
    stop: Stop,
    progress: impl Fn(usize),
) -> Result<Redriven, Failure> {
    let (mut done, mut left) = (Redriven::default(), vec![]);
    let outcome = send_all(from, to, pace, began, &stop, &progress, (&mut done, &mut left)).await;
    for message in &left {
        from.show(message).await?;
    }
    outcome.map(|()| done)
}

async fn send_all(
    from: &impl Queue,
    to: &impl Queue,
    pace: &Pace,
    began: OffsetDateTime,
    stop: &Stop,
    progress: &impl Fn(usize),
    (done, left): (&mut Redriven, &mut Vec<Received>),
) -> Result<(), Failure> {
    let mut next = Instant::now();
    while done.sent < pace.limit {
        let mut batch = from.receive(BATCH.min(pace.limit - done.sent), HIDDEN, WAIT).await?.into_iter();
        if batch.len() == 0 {
            return Ok(());
        }
        while let Some(message) = batch.next() {
            if message.sent_at >= began {
                done.dead_again += usize::from(keep(left, message));
                continue;
            }
            if !pace.rejected && message.is_rejected(pace.queue) {
                done.rejected += usize::from(keep(left, message));
                continue;
            }
            if pause(next, stop).await {
                done.interrupted = true;
                left.push(message);
                left.extend(batch);
                return Ok(());
            }
            next = Instant::now() + Duration::from_secs(1) / pace.rate;
            if let Err(failure) = to.send(&message).await {
                left.push(message);
                left.extend(batch);
                return Err(failure);
            }
            from.delete(&message).await?;
            done.sent += 1;
            progress(done.sent);
        }
    }
    Ok(())
}

/// Whether the message is new. One that became visible again has a new receipt.
fn keep(left: &mut Vec<Received>, message: Received) -> bool {
    let before = left.len();
    left.retain(|other| other.id != message.id);
    left.push(message);
    left.len() > before
}

/// Waits for the next message's turn. Returns whether it was interrupted.
async fn pause(next: Instant, stop: &Stop) -> bool {
    tokio::select! {
        biased;
        () = requested(stop) => true,
        () = sleep_until(next) => false,
    }
}
