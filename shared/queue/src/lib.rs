#![doc = include_str!("../README.md")]

mod batching_sender;
mod dead_letters;
mod error;
mod in_flight;
mod queue;
mod text;

pub use batching_sender::{BatchSender, BatchingSender, QueuedMessage};
pub use dead_letters::{BATCH, DeadLetter, DeadLetterQueue, Depth, look};
pub use error::{QueueError, is_not_hidden};
pub use in_flight::{InFlight, InFlightGuard};
pub use queue::Queue;
pub use webhooks_telemetry::Trace;

use std::time::Duration;

/// A message to send to a queue.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// JSON, or a line of JSON and a text that SQS takes.
    pub body: String,
    /// The tenant. Characters that SQS does not take in a group are replaced.
    pub group: Option<&'a str>,
    /// String attributes by name, at most ten. SQS allows no empty ones, so an empty value is left
    /// out.
    pub attributes: &'a [(&'a str, &'a str)],
    /// The trace to continue: the system attribute `AWSTraceHeader`.
    pub trace: Option<&'a Trace>,
}

pub trait Sender: Send + Sync {
    /// Returns once the message is durable.
    ///
    /// # Errors
    /// SQS did not confirm the message. It may still have taken it.
    fn send(&self, message: Message<'_>) -> impl Future<Output = Result<(), QueueError>> + Send;
}

pub trait Pacer: Send + Sync {
    /// Hides a received message for `wait` from now, in whole seconds, rounded up, and 12 hours at
    /// most.
    ///
    /// # Errors
    /// SQS did not confirm. The message returns when its current visibility timeout ends.
    fn hide(&self, receipt_handle: &str, wait: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}
