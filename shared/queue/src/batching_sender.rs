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
mod tests {
    use super::*;
    use futures::future::{join, join_all};
    use proptest::prelude::*;
    use std::time::Duration;

    /// Accepts what does not ask for a refusal, and records the requests.
    #[derive(Debug, Default)]
    struct Fake(Mutex<Vec<Vec<String>>>);

    impl BatchSender for Fake {
        async fn send_all(&self, messages: Vec<QueuedMessage>) -> Vec<Result<(), QueueError>> {
            self.0.lock().unwrap().push(messages.iter().map(|message| message.body.clone()).collect());
            tokio::time::sleep(Duration::from_millis(5)).await;
            if messages.iter().any(|message| message.body.starts_with("never")) {
                std::future::pending::<()>().await;
            }
            let result = |message: QueuedMessage| match message.body.strip_prefix("bad") {
                Some(_) => Err(QueueError::InvalidMessage(message.body)),
                None => Ok(()),
            };
            messages.into_iter().map(result).collect()
        }
    }

    fn message(body: impl Into<String>) -> Message<'static> {
        Message { body: body.into(), group: None, attributes: &[], trace: None }
    }

    #[test]
    fn attributes_count_for_the_size_of_a_request() {
        let attributes = [("code", "bad"), ("why", "no key")];
        let message = QueuedMessage::from(Message { attributes: &attributes, ..message("body") });
        assert_eq!(message.bytes(), 4 + (4 + 3) + (3 + 6));
    }

    fn requests(queue: BatchingSender<Fake>) -> Vec<Vec<String>> {
        queue.queue.0.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn sends_simultaneous_messages_in_one_request() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let _at_work: Vec<_> = (0..10).map(|_| queue.in_flight.join()).collect();
        let bodies: Vec<_> = (0..10).map(|n| n.to_string()).collect();
        let results = join_all(bodies.iter().map(|body| queue.send(message(body)))).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(requests(queue), [bodies]);
    }

    #[tokio::test(start_paused = true)]
    async fn messages_during_an_open_request_go_with_the_next() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let later = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            join(queue.send(message("b")), queue.send(message("c"))).await
        };
        let (first, (second, third)) = join(queue.send(message("a")), later).await;
        assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
        assert_eq!(requests(queue), [vec!["a"], vec!["b", "c"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn each_sender_gets_its_own_result() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let results = join_all(["a", "bad", "c"].map(|body| queue.send(message(body)))).await;
        assert_eq!(results, [Ok(()), Err(QueueError::InvalidMessage("bad".into())), Ok(())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stopped_sender_fails_its_request_and_blocks_no_later_one() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let _at_work = [queue.in_flight.join(), queue.in_flight.join()];
        let stopped = tokio::time::timeout(Duration::from_millis(20), queue.send(message("never")));
        let (stopped, other) = join(stopped, queue.send(message("other"))).await;
        assert!(stopped.is_err());
        assert_eq!(other, Err(QueueError::Unavailable("given up".into())));
        assert_eq!(queue.send(message("next")).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_message_is_not_sent() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let hasty = tokio::time::timeout(Duration::from_millis(2), async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            queue.send(message("b")).await
        });
        let (_, hasty) = join(queue.send(message("a")), hasty).await;
        assert!(hasty.is_err());
        queue.send(message("c")).await.unwrap();
        assert_eq!(requests(queue), [["a"], ["c"]]);
    }

    /// Works for this long, then sends a message if it has one. Returns the time until that was
    /// durable.
    async fn member(queue: &BatchingSender<Fake>, works: u64, body: Option<&'static str>) -> Duration {
        let (_at_work, begun) = (queue.in_flight.join(), tokio::time::Instant::now());
        tokio::time::sleep(Duration::from_millis(works)).await;
        if let Some(body) = body {
            queue.send(message(body)).await.unwrap();
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_working_tasks_until_they_end() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let (first, _, _) =
            tokio::join!(member(&queue, 1, Some("a")), member(&queue, 20, Some("b")), member(&queue, 40, None));
        assert_eq!(first.as_millis(), 40 + 5, "with the last, and the request's own time");
        assert_eq!(requests(queue), [["a", "b"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_at_most_a_fifth_of_a_second() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let (first, _) = tokio::join!(member(&queue, 1, Some("a")), member(&queue, 1_000, Some("b")));
        assert_eq!(first, Duration::from_millis(1) + PATIENCE + Duration::from_millis(5));
        assert_eq!(requests(queue), [["a"], ["b"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_request_is_sent_without_waiting() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let ten = join_all((0..10).map(|_| member(&queue, 10, Some("a"))));
        let (ten, _) = tokio::join!(ten, member(&queue, 50, None));
        assert!(ten.into_iter().all(|time| time.as_millis() == 15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_with_its_result_counts_as_working_before_the_next_request() {
        let queue = BatchingSender::new(Fake::default(), &InFlight::default());
        let twice = async |first, second| {
            let _at_work = queue.in_flight.join();
            tokio::task::yield_now().await;
            queue.send(message(first)).await.unwrap();
            queue.send(message(second)).await.unwrap();
        };
        tokio::join!(twice("a", "b"), twice("c", "d"));
        assert_eq!(requests(queue).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_16_kib_of_a_request_for_what_sqs_counts_beside_the_messages() {
        for (second, expected) in [(1008 * 1024 - 3, 1), (1008 * 1024 - 2, 2)] {
            let queue = BatchingSender::new(Fake::default(), &InFlight::default());
            let _at_work = [queue.in_flight.join(), queue.in_flight.join()];
            let bodies = ["abc".to_owned(), "x".repeat(second)];
            let results = join_all(bodies.map(|body| queue.send(message(body)))).await;
            assert!(results.iter().all(Result::is_ok));
            assert_eq!(requests(queue).len(), expected, "{second}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn each_goes_exactly_once_and_no_request_is_more_than_sqs_takes(sizes in prop::collection::vec(1..300_000_usize, 1..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let queue = BatchingSender::new(Fake::default(), &InFlight::default());
            let body = |(n, size): (usize, &usize)| format!("{n:03}{}", "x".repeat(*size));
            let bodies: Vec<_> = sizes.iter().enumerate().map(body).collect();
            let results = runtime.block_on(join_all(bodies.iter().map(|body| queue.send(message(body)))));
            prop_assert!(results.iter().all(Result::is_ok));
            let requests = requests(queue);
            for request in &requests {
                let bytes: usize = request.iter().map(String::len).sum();
                prop_assert!(request.len() <= MOST && bytes <= LARGEST);
            }
            prop_assert_eq!(requests.concat(), bodies);
        }
    }
}
