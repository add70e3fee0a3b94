//! Messages that are sent at the same time go in one request, which SQS bills as one.

use crate::{Message, QueueError, Sender, Trace};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Messages of one request at most.
const MOST: usize = 10;
/// Bytes of one request at most: SQS takes 1 MiB, and counts more than the bodies.
const LARGEST: usize = 1024 * 1024 - 16 * 1024;

/// A message that waits for others to go with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub body: String,
    pub group: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub trace: Option<Trace>,
}

impl Parcel {
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.attributes().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

impl From<Message<'_>> for Parcel {
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
    /// Sends up to ten messages of 1 MiB in all. Each has a result of its own, in their order.
    fn send_all(&self, parcels: Vec<Parcel>) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;
}

/// One request at a time; what is sent while it is on its way goes with the next. Nobody waits for company, so a message that is
/// alone goes at once.
#[derive(Debug)]
pub struct Together<S> {
    queue: S,
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Waiting {
    parcel: Parcel,
    tell: oneshot::Sender<Result<(), QueueError>>,
}

impl<S> Together<S> {
    pub fn new(queue: S) -> Self {
        Self { queue, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What fits into one request, oldest first. Nothing for a sender that has given up.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        waiting.retain(|one| !one.tell.is_closed());
        let mut bytes = 0;
        let fits = |one: &&Waiting| {
            let is_first = bytes == 0;
            bytes += one.parcel.bytes();
            is_first || bytes <= LARGEST
        };
        let count = waiting.iter().take(MOST).take_while(fits).count();
        waiting.drain(..count).collect()
    }
}

impl<S: BatchSender> Sender for Together<S> {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        let (tell, mut told) = oneshot::channel();
        self.waiting().push(Waiting { parcel: message.into(), tell });
        // Whoever is about to send has the time to join.
        tokio::task::yield_now().await;
        loop {
            let turn = tokio::select! {
                biased;
                // Its request may have been another's, who was stopped before there was an answer.
                told = &mut told => return told.unwrap_or_else(|_| Err(QueueError::Unavailable("given up".into()))),
                turn = self.turn.lock() => turn,
            };
            let (parcels, tell): (Vec<_>, Vec<_>) = self.take().into_iter().map(|one| (one.parcel, one.tell)).unzip();
            if !parcels.is_empty() {
                let results = self.queue.send_all(parcels).await;
                // Whoever is not there any more need not be told.
                tell.into_iter().zip(results).for_each(|(tell, result)| drop(tell.send(result)));
            }
            drop(turn);
        }
    }
}

#[cfg(test)]
#[path = "together_tests.rs"]
mod tests;
