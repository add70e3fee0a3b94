//! Reads, redrives and deletes dead letters.

use crate::error::{QueueError, is_not_hidden};
use crate::queue::Queue;
use aws_sdk_sqs::operation::change_message_visibility::builders::ChangeMessageVisibilityFluentBuilder;
use aws_sdk_sqs::operation::delete_message::builders::DeleteMessageFluentBuilder;
use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesOutput;
use aws_sdk_sqs::operation::get_queue_attributes::builders::GetQueueAttributesFluentBuilder;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName,
};
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_model::QueueName;
use webhooks_model::feedback::FeedbackMessage;

/// The most messages that SQS returns at once.
pub const BATCH: usize = 10;
/// The most messages that a look receives at once. Each may have 1 MiB, and a small function reads
/// ten of them for longer than an attempt may take. What an attempt in vain has received stays
/// hidden.
const LOOKED_AT: usize = 3;
const LONGEST_POLL: Duration = Duration::from_secs(20);
const WAITING: QueueAttributeName = QueueAttributeName::ApproximateNumberOfMessages;
const IN_FLIGHT: QueueAttributeName = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;

/// A received message. Others do not see it until it is deleted, shown again, or its time is over.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub id: String,
    pub body: String,
    pub receipt: String,
    pub sent_at: OffsetDateTime,
    pub receive_count: u32,
    pub group: Option<String>,
    pub trace: Option<String>,
    pub attributes: HashMap<String, MessageAttributeValue>,
}

impl DeadLetter {
    /// To hide it or show it again, and to describe it.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: String::new(), ..self }
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.string_value()
    }

    /// Whether the feedback function rejected it. A message of nearly 1 MiB is rejected without a
    /// code, since SQS has no room for it.
    pub fn is_rejected(&self, queue: QueueName) -> bool {
        let is_wrong = || queue == QueueName::Feedback && FeedbackMessage::parse(&self.body).is_err();
        self.attribute("rejection_code").is_some() || is_wrong()
    }
}

/// The approximate number of messages on a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Depth {
    pub waiting: u64,
    pub in_flight: u64,
}

impl Depth {
    pub fn of(answer: &GetQueueAttributesOutput) -> Self {
        let attributes = answer.attributes.as_ref();
        let number =
            |name: QueueAttributeName| attributes.and_then(|all| all.get(&name)?.parse().ok()).unwrap_or_default();
        Self { waiting: number(WAITING), in_flight: number(IN_FLIGHT) }
    }
}

/// A queue, for readers other than its function.
pub trait DeadLetterQueue: Send + Sync {
    /// Up to ten messages, hidden for `hidden`. Waits for the first up to `wait`, 20 seconds at
    /// most.
    fn receive(
        &self,
        most: usize,
        hidden: Duration,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<DeadLetter>, QueueError>> + Send;

    /// Sends a message again with its body, attributes, group and trace.
    fn send_again(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), QueueError>> + Send;

    fn delete(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Makes the message visible to others at once. It may be visible already, or deleted.
    fn show(&self, letter: &DeadLetter) -> impl Future<Output = Result<(), QueueError>> + Send;

    fn depth(&self) -> impl Future<Output = Result<Depth, QueueError>> + Send;
}

/// The first messages of a queue, each once, with what `read` says of it. All bodies together may not
/// fit into memory, so the messages come back without. They are made visible again at the end.
///
/// # Errors
/// The queue cannot be reached. Messages that could not be made visible return after `hidden`.
pub async fn look<T>(
    queue: &impl DeadLetterQueue,
    most: usize,
    (hidden, wait): (Duration, Duration),
    read: impl Fn(&DeadLetter) -> T,
) -> Result<Vec<(DeadLetter, T)>, QueueError> {
    let mut seen: Vec<(DeadLetter, T)> = vec![];
    let mut result = Ok(());
    while result.is_ok() && seen.len() < most {
        match queue.receive(LOOKED_AT.min(most - seen.len()), hidden, wait).await {
            Ok(batch) if batch.is_empty() => break,
            Ok(batch) => seen.extend(batch.into_iter().map(|letter| {
                let told = read(&letter);
                (letter.without_body(), told)
            })),
            Err(error) => result = Err(error),
        }
    }
    // Also after a failure, so that the messages do not stay hidden.
    for (letter, _) in &seen {
        result = result.and(queue.show(letter).await);
    }
    result?;
    // Looking took so long that this message returned and was received twice.
    let mut ids = std::collections::HashSet::new();
    seen.retain(|(letter, _)| ids.insert(letter.id.clone()));
    Ok(seen)
}

/// The requests, for callers that report errors in their own way.
impl Queue {
    pub fn receive_request(&self, most: usize, hidden: Duration, wait: Duration) -> ReceiveMessageFluentBuilder {
        let call = self.client.receive_message().queue_url(&self.url).max_number_of_messages(whole(most.min(BATCH)));
        let call = call.visibility_timeout(whole(hidden.as_secs()));
        let call = call.wait_time_seconds(whole(wait.min(LONGEST_POLL).as_secs()));
        call.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All)
    }

    pub fn send_again_request(&self, letter: &DeadLetter) -> SendMessageFluentBuilder {
        let attributes = (!letter.attributes.is_empty()).then(|| letter.attributes.clone());
        let call = self.client.send_message().queue_url(&self.url).message_body(&letter.body);
        let call = call.set_message_group_id(letter.group.clone()).set_message_attributes(attributes);
        let Some(trace) = &letter.trace else { return call };
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build();
        let value = value.expect("the only required part is the data type");
        call.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value)
    }

    pub fn delete_request(&self, letter: &DeadLetter) -> DeleteMessageFluentBuilder {
        self.client.delete_message().queue_url(&self.url).receipt_handle(&letter.receipt)
    }

    pub fn show_request(&self, letter: &DeadLetter) -> ChangeMessageVisibilityFluentBuilder {
        let call = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(&letter.receipt);
        call.visibility_timeout(0)
    }

    pub fn depth_request(&self) -> GetQueueAttributesFluentBuilder {
        let call = self.client.get_queue_attributes().queue_url(&self.url);
        call.attribute_names(WAITING).attribute_names(IN_FLIGHT)
    }
}

impl DeadLetterQueue for Queue {
    async fn receive(&self, most: usize, hidden: Duration, wait: Duration) -> Result<Vec<DeadLetter>, QueueError> {
        let answer = self.receive_request(most, hidden, wait).send().await;
        let answer = answer.map_err(|error| QueueError::of_reading(&error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(DeadLetter::from).collect())
    }

    async fn send_again(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let answer = self.send_again_request(letter).send().await;
        answer.map(drop).map_err(|error| QueueError::of_sending(&error))
    }

    async fn delete(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        self.delete_request(letter).send().await.map(drop).map_err(|error| QueueError::of_reading(&error))
    }

    async fn show(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        match self.show_request(letter).send().await {
            Err(error) if !is_not_hidden(&error) => Err(QueueError::of_reading(&error)),
            _ => Ok(()),
        }
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let answer = self.depth_request().send().await.map_err(|error| QueueError::of_reading(&error))?;
        Ok(Depth::of(&answer))
    }
}

impl From<Message> for DeadLetter {
    fn from(message: Message) -> Self {
        let attributes = message.attributes.unwrap_or_default();
        let get = |name| attributes.get(&name).cloned();
        let number = |name| attributes.get(&name).and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
        let sent = i128::from(number(MessageSystemAttributeName::SentTimestamp)) * 1_000_000;
        Self {
            id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            sent_at: OffsetDateTime::from_unix_timestamp_nanos(sent).unwrap_or(OffsetDateTime::UNIX_EPOCH),
            receive_count: u32::try_from(number(MessageSystemAttributeName::ApproximateReceiveCount))
                .unwrap_or_default(),
            group: get(MessageSystemAttributeName::MessageGroupId),
            trace: get(MessageSystemAttributeName::AwsTraceHeader),
            attributes: message.message_attributes.unwrap_or_default(),
        }
    }
}

fn whole(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::tests::{answer, queue_answering, sqs_answering};
    use serde_json::json;
    use std::collections::VecDeque;
    use std::sync::Mutex;

    fn letter(id: &str) -> DeadLetter {
        DeadLetter {
            id: id.to_owned(),
            body: "x".repeat(150 * 1024),
            receipt: format!("receipt of {id}"),
            sent_at: OffsetDateTime::UNIX_EPOCH,
            receive_count: 12,
            group: None,
            trace: None,
            attributes: HashMap::new(),
        }
    }

    #[tokio::test]
    async fn redrives_each_dead_letter_in_its_own_request() {
        let (queue, sqs) = sqs_answering(vec![answer(200, &json!({"MessageId": "1"}))]).await;
        for number in 0..10 {
            queue.send_again(&letter(&number.to_string())).await.unwrap();
        }
        let requests = sqs.received_requests().await.unwrap();
        assert_eq!(requests.len(), 10);
        for request in requests {
            assert_eq!(request.headers["x-amz-target"], "AmazonSQS.SendMessage");
            assert!(request.body.len() < 1024 * 1024);
        }
    }

    #[tokio::test]
    async fn receives_ten_letters_at_most_and_redrives_each_with_all_that_sqs_knows_of_it() {
        let told = json!({
            "MessageId": "m-1", "ReceiptHandle": "r-1", "Body": "{}",
            "Attributes": {
                "SentTimestamp": "1545082649183", "ApproximateReceiveCount": "12", "MessageGroupId": "t-1",
                "AWSTraceHeader": "Root=1-2-3",
            },
            "MessageAttributes": {"rejection_code": {"DataType": "String", "StringValue": "unknown_type"}},
        });
        let (queue, sqs) = sqs_answering(vec![answer(200, &json!({"Messages": [told]}))]).await;
        let (hidden, wait) = (Duration::from_secs(180), Duration::from_secs(60));
        let received = queue.receive(99, hidden, wait).await.unwrap().remove(0);
        assert_eq!((received.id.as_str(), received.receipt.as_str(), received.body.as_str()), ("m-1", "r-1", "{}"));
        assert_eq!((received.sent_at.unix_timestamp(), received.sent_at.millisecond()), (1_545_082_649, 183));
        assert_eq!((received.receive_count, received.group.as_deref()), (12, Some("t-1")));
        assert_eq!(received.trace.as_deref(), Some("Root=1-2-3"));
        assert_eq!((received.attribute("rejection_code"), received.attribute("other")), (Some("unknown_type"), None));
        let asked: serde_json::Value = sqs.received_requests().await.unwrap()[0].body_json().unwrap();
        let limits = ["MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"].map(|name| &asked[name]);
        assert_eq!(limits, [10, 180, 20]);
        queue.send_again(&received).await.unwrap();
        let again: serde_json::Value = sqs.received_requests().await.unwrap()[1].body_json().unwrap();
        assert_eq!([&again["MessageBody"], &again["MessageGroupId"]], [&told["Body"], &json!("t-1")]);
        assert_eq!(again["MessageAttributes"], told["MessageAttributes"]);
        assert_eq!(again["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"], "Root=1-2-3");
    }

    #[tokio::test]
    async fn reads_the_depth_and_reports_what_cannot_be_read_or_deleted() {
        let depth = json!({"ApproximateNumberOfMessages": "7", "ApproximateNumberOfMessagesNotVisible": "2"});
        let refusal = answer(400, &json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist"}));
        let (queue, sqs) = sqs_answering(vec![answer(200, &json!({"Attributes": depth})), refusal]).await;
        assert_eq!(queue.depth().await, Ok(Depth { waiting: 7, in_flight: 2 }));
        let refused = QueueError::Unavailable("QueueDoesNotExist".into());
        assert_eq!(queue.depth().await, Err(refused.clone()));
        assert_eq!(queue.delete(&letter("1")).await, Err(refused));
        let asked: serde_json::Value = sqs.received_requests().await.unwrap()[2].body_json().unwrap();
        assert_eq!(asked["ReceiptHandle"], "receipt of 1");
    }

    #[test]
    fn a_letter_is_rejected_if_it_has_a_code_or_is_no_message_of_the_feedback_queue() {
        let code = MessageAttributeValue::builder().data_type("String").string_value("unknown_type").build().unwrap();
        let coded = DeadLetter { attributes: HashMap::from([("rejection_code".to_owned(), code)]), ..letter("1") };
        for queue in QueueName::ALL {
            assert!(coded.is_rejected(queue), "{queue:?}");
            assert_eq!(letter("1").is_rejected(queue), queue == QueueName::Feedback, "{queue:?}");
        }
    }

    /// Hands out these batches, and records the requests. At the end it is empty, or does not answer.
    struct Scripted {
        batches: Mutex<VecDeque<Vec<DeadLetter>>>,
        falls_silent: bool,
        asked: Mutex<Vec<usize>>,
        shown: Mutex<Vec<String>>,
    }

    impl Scripted {
        fn new(batches: &[&[&str]]) -> Self {
            let letters = |ids: &&[&str]| ids.iter().map(|id| letter(id)).collect();
            let batches = Mutex::new(batches.iter().map(letters).collect());
            Self { batches, falls_silent: false, asked: Mutex::default(), shown: Mutex::default() }
        }

        async fn look(&self, most: usize) -> Result<Vec<(DeadLetter, usize)>, QueueError> {
            look(self, most, (Duration::ZERO, Duration::ZERO), |letter| letter.body.len()).await
        }
    }

    impl DeadLetterQueue for Scripted {
        async fn receive(&self, most: usize, _: Duration, _: Duration) -> Result<Vec<DeadLetter>, QueueError> {
            self.asked.lock().unwrap().push(most);
            match self.batches.lock().unwrap().pop_front() {
                Some(batch) => Ok(batch),
                None if self.falls_silent => Err(QueueError::Unavailable("time-out".into())),
                None => Ok(vec![]),
            }
        }

        async fn send_again(&self, _: &DeadLetter) -> Result<(), QueueError> {
            unreachable!("a look sends nothing")
        }

        async fn delete(&self, _: &DeadLetter) -> Result<(), QueueError> {
            unreachable!("a look deletes nothing")
        }

        async fn show(&self, letter: &DeadLetter) -> Result<(), QueueError> {
            self.shown.lock().unwrap().push(letter.id.clone());
            Ok(())
        }

        async fn depth(&self) -> Result<Depth, QueueError> {
            unreachable!("a look does not count")
        }
    }

    #[tokio::test]
    async fn looks_at_each_letter_once_few_at_a_time_and_shows_all_of_them_again() {
        type Ids<'a> = &'a [&'a str];
        let cases: [(usize, &[Ids], &[usize], Ids); 4] = [
            (3, &[&["1", "2"], &["1"]], &[3, 1], &["1", "2"]),
            (9, &[&["1", "2"], &["3"]], &[3, 3, 3], &["1", "2", "3"]),
            (5, &[&["1", "2", "3"], &["4", "5"]], &[3, 2], &["1", "2", "3", "4", "5"]),
            (0, &[&["1"]], &[], &[]),
        ];
        for (most, batches, asked, found) in cases {
            let queue = Scripted::new(batches);
            let seen = queue.look(most).await.unwrap();
            assert_eq!(seen.iter().map(|(letter, _)| letter.id.as_str()).collect::<Vec<_>>(), found);
            assert!(seen.iter().all(|(letter, bytes)| letter.body.is_empty() && *bytes == 150 * 1024));
            assert_eq!(queue.asked.into_inner().unwrap(), asked);
            let mut shown = queue.shown.into_inner().unwrap();
            shown.sort();
            shown.dedup();
            assert_eq!(shown, found);
        }
    }

    #[tokio::test]
    async fn a_look_that_fails_hides_nothing_that_it_has_seen() {
        let queue = Scripted { falls_silent: true, ..Scripted::new(&[&["0", "1", "2"]]) };
        assert!(queue.look(8).await.is_err());
        assert_eq!(*queue.shown.lock().unwrap(), ["0", "1", "2"]);
    }

    #[tokio::test]
    async fn a_message_that_is_deleted_or_visible_already_need_not_be_shown() {
        for (shape, query_error, is_fine) in [
            ("InvalidParameterValueException", Some("InvalidParameterValue;Sender"), true),
            ("InvalidParameterValueException", None, true),
            ("MessageNotInflight", Some("AWS.SimpleQueueService.MessageNotInflight;Sender"), true),
            ("MessageNotInflight", None, true),
            ("AccessDeniedException", None, false),
            ("QueueDoesNotExist", Some("AWS.SimpleQueueService.NonExistentQueue;Sender"), false),
        ] {
            let refusal = json!({"__type": format!("com.amazonaws.sqs#{shape}"), "message": "the receipt"});
            let (queue, _sqs) = queue_answering(400, query_error, &refusal).await;
            assert_eq!(queue.show(&letter("1")).await.is_ok(), is_fine, "{shape}");
        }
    }
}
