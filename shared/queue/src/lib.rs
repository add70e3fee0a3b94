#![doc = include_str!("../README.md")]

mod batching_sender;
mod dead_letters;
mod error;
mod in_flight;
mod queue;

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
    /// Hides a received message for `wait` from now, in whole seconds, rounded up, and at most as
    /// long as SQS allows during an invocation.
    ///
    /// # Errors
    /// SQS did not confirm. The message returns when its current visibility timeout ends.
    fn hide(&self, receipt_handle: &str, wait: Duration) -> impl Future<Output = Result<(), QueueError>> + Send;
}

/// SQS takes neither U+FFFE nor U+FFFF. Each message is JSON or begins with a line of it. What
/// follows such a line never has them (`webhooks_model::delivery`), and in JSON their escapes mean
/// the same.
fn escaped(body: String) -> String {
    if body.contains('\u{fffe}') || body.contains('\u{ffff}') {
        return body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_message_has_only_characters_that_sqs_takes_and_says_the_same() {
        let body = "{\"key\":\"\u{fffe}\u{ffff}\u{fffd}å\u{1f692}\"}";
        let sent = escaped(body.to_owned());
        assert_eq!(sent, "{\"key\":\"\\ufffe\\uffff\u{fffd}å\u{1f692}\"}");
        let [read, written] = [sent.as_str(), body].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(read, written);
    }
}
