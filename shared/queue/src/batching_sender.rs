//! Sends messages of the same moment in one request, which SQS bills as one.

use crate::in_flight::WaitingGuard;
use crate::{InFlight, Message, QueueError, Sender, Trace};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The most messages of one request.
const MOST: usize = 10;
/// The most bytes of one request. SQS accepts 1 MiB, and counts more than the bodies.
const LARGEST: usize = 1024 * 1024 - 16 * 1024;
/// Maximum wait for other messages. A batch of records ends with its slowest one, so the faster
/// ones lose nothing.
const PATIENCE: Duration = Duration::from_millis(200);

/// A message that waits for others, to share a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    pub body: String,
    pub group: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub trace: Option<Trace>,
}

impl QueuedMessage {
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.attributes().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

impl From<Message<'_>> for QueuedMessage {
    fn from(message: Message<'_>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            body: message.body,
            group: message.group.map(str::to_owned),
            attributes: message.attributes.iter().map(owned).collect(),
            trace: message.trace.cloned(),
        }
    }
}

pub trait BatchSender: Send + Sync {
    /// Sends up to ten messages of 1 MiB in all. Returns one result each, in their order.
    fn send_all(&self, messages: Vec<QueuedMessage>) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;
}

/// Sends one request at a time. Messages that come while a request is open go with the next. A
/// message is sent when nine others wait with it, when no other task works, or after a fifth of a
/// second. A single task sends at once.
#[derive(Debug)]
pub struct BatchingSender<S> {
    queue: S,
    in_flight: InFlight,
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    message: QueuedMessage,
    sender: WaitingGuard,
    tell: oneshot::Sender<Result<(), QueueError>>,
}

impl<S> BatchingSender<S> {
    pub fn new(queue: S, in_flight: &InFlight) -> Self {
        Self { queue, in_flight: in_flight.clone(), waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest messages that fit into one request. Skips those whose sender has given up.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        waiting.retain(|one| !one.tell.is_closed());
        let mut bytes = 0;
        let fits = |one: &&Waiting| {
            let is_first = bytes == 0;
            bytes += one.message.bytes();
            is_first || bytes <= LARGEST
        };
        let count = waiting.iter().take(MOST).take_while(fits).count();
        waiting.drain(..count).collect()
    }
}

impl<S: BatchSender> Sender for BatchingSender<S> {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        let (tell, mut told) = oneshot::channel();
        let message = message.into();
        self.waiting().push(Waiting { message, sender: self.in_flight.rest(), tell });
        loop {
            let turn = tokio::select! {
                biased;
                // Another task may have sent this message, and was stopped before the answer came.
                told = &mut told => return told.unwrap_or_else(|_| Err(QueueError::Unavailable("given up".into()))),
                turn = self.turn.lock() => turn,
            };
            let is_full = || self.waiting().len() >= MOST;
            let _ = timeout(PATIENCE, self.in_flight.wait(is_full)).await;
            let taken = self.take().into_iter().map(|one| (one.message, (one.sender, one.tell)));
            let (messages, senders): (Vec<_>, Vec<_>) = taken.unzip();
            if !messages.is_empty() {
                let results = self.queue.send_all(messages).await;
                for ((resting, tell), result) in senders.into_iter().zip(results) {
                    // Ends the wait first, or the first sender to get its result would believe that
                    // no other works.
                    drop(resting);
                    // The sender may have given up.
                    let _ = tell.send(result);
                }
            }
            drop(turn);
        }
    }
}

#[cfg(test)]
#[path = "batching_sender_tests.rs"]
mod tests;
