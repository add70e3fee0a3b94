#![doc = include_str!("../README.md")]

#[cfg(panic = "abort")]
compile_error!("a record that panics must fail alone; build with panic = \"unwind\"");

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use webhooks_queue::{Pacer, Trace};

/// The most records that run at the same time.
const CONCURRENCY: usize = 10;
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);
/// Lambda's longest time-out.
const LONGEST_INVOCATION_MS: u64 = 900_000;
/// Wait before a record comes again that panicked or ran out of time.
const AFTER_PANIC: Duration = Duration::from_secs(30);

/// One record of the batch.
#[derive(Debug, Clone)]
pub struct Received {
    pub message_id: String,
    pub body: String,
    /// How often the queue has delivered it, this time included.
    pub receive_count: u32,
    /// When it was sent to the queue; `None` if SQS did not say.
    pub sent_at: Option<OffsetDateTime>,
    /// The sender's trace.
    pub trace: Option<Trace>,
    receipt_handle: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The message stays on the queue and is delivered again after `wait`.
    Again {
        wait: Duration,
    },
}

/// The time that the records have until `deadline_ms`, the invocation's end in Unix milliseconds.
/// It leaves some for the answer.
pub fn budget(deadline_ms: u64, now: OffsetDateTime) -> Duration {
    let now_ms = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    // The emulator of cargo-lambda sends a duration instead of a time.
    let left_ms = if deadline_ms <= LONGEST_INVOCATION_MS { deadline_ms } else { deadline_ms.saturating_sub(now_ms) };
    Duration::from_millis(left_ms).saturating_sub(FOR_THE_ANSWER).max(FOR_THE_ANSWER)
}

/// Runs `each` for every record, all of them for `budget` at most. Returns the answer to SQS half a
/// second after that at the latest.
pub async fn run<F>(
    event: SqsEvent,
    pacer: &impl Pacer,
    budget: Duration,
    each: impl Fn(Received) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Outcome>,
{
    let end = Instant::now() + budget;
    let outcomes = event.records.into_iter().map(|message| {
        let received = Received::from(message);
        let (id, handle) = (received.message_id.clone(), received.receipt_handle.clone());
        let trace_id = received.trace.as_ref().map(Trace::id);
        let span = tracing::info_span!("message", message_id = id, trace_id);
        let outcome = AssertUnwindSafe(async { timeout_at(end, each(received)).await }).catch_unwind();
        let answer = async move {
            match outcome.await {
                Ok(Ok(Outcome::Done)) => None,
                Ok(Ok(Outcome::Again { wait })) => Some((id, handle, wait)),
                Ok(Err(_)) | Err(_) => {
                    tracing::error!("a record panicked or took too long, and will come again");
                    Some((id, handle, AFTER_PANIC))
                }
            }
        };
        answer.instrument(span)
    });
    let failed: Vec<_> =
        stream::iter(outcomes).buffer_unordered(CONCURRENCY).filter_map(|outcome| async { outcome }).collect().await;
    let failures = stream::iter(failed).map(|(id, handle, wait)| async move {
        hide(pacer, &id, &handle, wait, end + FOR_THE_ANSWER / 2).await;
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.buffer_unordered(CONCURRENCY).collect().await;
    response
}

/// If this fails or takes too long, the message comes again after the queue's own visibility
/// timeout. A function that waits until its time-out is killed, and then the whole batch comes
/// again.
async fn hide(pacer: &impl Pacer, id: &str, handle: &str, wait: Duration, end: Instant) {
    match timeout_at(end, pacer.hide(handle, wait)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(message_id = id, error = %error, "a message could not be paced: {error}"),
        Err(_) => tracing::warn!(message_id = id, "a message could not be paced: it took too long"),
    }
}

impl From<SqsMessage> for Received {
    fn from(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name).and_then(|text| text.parse::<i64>().ok());
        let sent_at = attribute("SentTimestamp")
            .and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok());
        Self {
            receive_count: attribute("ApproximateReceiveCount").and_then(|count| count.try_into().ok()).unwrap_or(1),
            sent_at,
            trace: message.attributes.get("AWSTraceHeader").and_then(|header| Trace::parse(header)),
            message_id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Mutex;
    use webhooks_queue::QueueError;

    const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    #[derive(Default)]
    struct Hidden(Mutex<Vec<(String, Duration)>>);

    impl Pacer for Hidden {
        async fn hide(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
            self.0.lock().unwrap().push((receipt_handle.to_owned(), wait));
            Ok(())
        }
    }

    fn batch(bodies: &[&str]) -> SqsEvent {
        let record = |(at, body): (usize, &&str)| {
            json!({
                "messageId": format!("m{at}"), "receiptHandle": format!("r{at}"), "body": body,
                "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1545082649183", "AWSTraceHeader": TRACE},
            })
        };
        let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
        serde_json::from_value(json!({"Records": records})).unwrap()
    }

    async fn answer(bodies: &[&str]) -> (serde_json::Value, Vec<(String, Duration)>) {
        let hidden = Hidden::default();
        let each = |received: Received| async move {
            let sent_at = OffsetDateTime::UNIX_EPOCH + Duration::from_millis(1_545_082_649_183);
            assert_eq!((received.receive_count, received.sent_at), (3, Some(sent_at)));
            assert_eq!(received.trace, Trace::parse(TRACE));
            match received.body.as_str() {
                "fine" => Outcome::Done,
                "later" => Outcome::Again { wait: Duration::from_secs(7) },
                _ => panic!("poison"),
            }
        };
        let response = run(batch(bodies), &hidden, Duration::from_secs(5), each).await;
        (serde_json::to_value(response).unwrap(), hidden.0.into_inner().unwrap())
    }

    #[tokio::test]
    async fn answers_a_batch_without_failures_with_an_empty_list() {
        assert_eq!(answer(&["fine", "fine"]).await.0, json!({"batchItemFailures": []}));
    }

    #[tokio::test]
    async fn a_record_that_panics_fails_alone() {
        let (response, hidden) = answer(&["fine", "poison", "fine", "fine"]).await;
        assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "m1"}]}));
        assert_eq!(hidden, [("r1".to_owned(), AFTER_PANIC)]);
    }

    #[tokio::test]
    async fn hides_a_failed_record_for_the_wait_it_asks_for() {
        let (response, hidden) = answer(&["later", "fine"]).await;
        assert_eq!(response, json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
        assert_eq!(hidden, [("r0".to_owned(), Duration::from_secs(7))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_takes_too_long_fails_alone() {
        let each = |received: Received| async move {
            if received.body == "slow" {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(4_900)).await;
            Outcome::Done
        };
        let response = run(batch(&["slow", "fine"]), &Hidden::default(), Duration::from_secs(5), each).await;
        assert_eq!(serde_json::to_value(response).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
    }

    /// A queue that takes long to confirm.
    struct Slow;

    impl Pacer for Slow {
        async fn hide(&self, _: &str, _: Duration) -> Result<(), QueueError> {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_in_time_after_more_records_than_run_at_once_and_with_a_slow_queue() {
        let each = |_: Received| async {
            std::future::pending::<()>().await;
            Outcome::Done
        };
        let (begun, budget) = (Instant::now(), Duration::from_secs(5));
        let response = run(batch(&["slow"; CONCURRENCY + 1]), &Slow, budget, each).await;
        assert!(begun.elapsed() < budget + FOR_THE_ANSWER, "{:?}", begun.elapsed());
        assert_eq!(response.batch_item_failures.len(), CONCURRENCY + 1);
    }

    /// A queue that confirms in less than half a second.
    struct Prompt(Hidden);

    impl Pacer for Prompt {
        async fn hide(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
            tokio::time::sleep(Duration::from_millis(400)).await;
            self.0.hide(receipt_handle, wait).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_takes_all_the_time_is_hidden_after_it() {
        let each = |_: Received| async {
            std::future::pending::<()>().await;
            Outcome::Done
        };
        let queue = Prompt(Hidden::default());
        let response = run(batch(&["slow"]), &queue, Duration::from_secs(5), each).await;
        assert_eq!(response.batch_item_failures.len(), 1);
        assert_eq!(*queue.0.0.lock().unwrap(), [("r0".to_owned(), AFTER_PANIC)]);
    }

    #[test]
    fn the_budget_leaves_time_for_the_answer() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(budget(1_000_010_000, now), Duration::from_secs(9));
        assert_eq!(budget(999_990_000, now), FOR_THE_ANSWER);
    }

    /// cargo-lambda 1.9.2 writes 600,000 into the header of the deadline.
    #[test]
    fn accepts_a_deadline_given_as_a_duration() {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(budget(600_000, now), Duration::from_secs(599));
        assert_eq!(budget(0, now), FOR_THE_ANSWER);
    }

    #[tokio::test]
    async fn retries_the_whole_batch_when_a_record_has_no_id() {
        let event = serde_json::from_value(json!({"Records": [{"body": "x"}]})).unwrap();
        let response = run(event, &Hidden::default(), Duration::from_secs(5), |_| async {
            Outcome::Again { wait: Duration::ZERO }
        })
        .await;
        assert_eq!(serde_json::to_value(response).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": ""}]}));
    }
}
