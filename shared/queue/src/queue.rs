//! One queue of Amazon SQS.

use crate::{BatchSender, Message, Pacer, QueueError, QueuedMessage, Sender, Trace, escaped};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use futures::future::join_all;
use std::collections::HashMap;
use std::time::Duration;

const LONGEST_GROUP: usize = 128;
/// SQS allows 12 hours from the receipt, of which an invocation takes up to 15 minutes. It refuses a
/// longer time.
const LONGEST_VISIBILITY_SECONDS: u64 = 43_200 - 900;

#[derive(Debug, Clone)]
pub struct Queue {
    pub(crate) client: Client,
    pub(crate) url: String,
}

impl Queue {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Opens the connection that the first message would otherwise wait for.
    ///
    /// # Errors
    /// SQS did not answer.
    pub async fn connect(&self) -> Result<(), QueueError> {
        let request = self.client.get_queue_attributes().queue_url(&self.url).send();
        request.await.map(drop).map_err(|error| QueueError::of_reading(&error))
    }
}

impl Sender for Queue {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        let request = self.client.send_message().queue_url(&self.url).message_body(escaped(message.body));
        let request = request
            .set_message_group_id(message.group.and_then(group))
            .set_message_attributes(attributes(message.attributes.iter().copied()))
            .set_message_system_attributes(message.trace.map(system_attributes));
        request.send().await.map_err(|error| QueueError::of_sending(&error))?;
        Ok(())
    }
}

impl BatchSender for Queue {
    async fn send_all(&self, messages: Vec<QueuedMessage>) -> Vec<Result<(), QueueError>> {
        if let [alone] = messages.as_slice() {
            return vec![self.send_one(alone).await];
        }
        let entries = messages.iter().enumerate().map(|(at, message)| entry(at, message)).collect();
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        match request.send().await.map_err(|error| QueueError::of_sending(&error)) {
            Ok(answer) => {
                // SQS may have lost a message that its answer does not mention.
                let unknown = || Err(QueueError::Unavailable("answer not understood".into()));
                let mut results: Vec<_> = messages.iter().map(|_| unknown()).collect();
                let done = answer.successful.iter().map(|one| (one.id.as_str(), Ok(())));
                let failed = answer.failed.iter().map(|one| (one.id.as_str(), Err(QueueError::of_code(&one.code))));
                for (id, result) in done.chain(failed) {
                    if let Some(own) = id.parse().ok().and_then(|at: usize| results.get_mut(at)) {
                        *own = result;
                    }
                }
                results
            }
            // One message is at fault, or all are too large together. Each gets its own try.
            Err(error) if error.is_about_messages() => join_all(messages.iter().map(|one| self.send_one(one))).await,
            Err(error) => messages.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

impl Queue {
    async fn send_one(&self, message: &QueuedMessage) -> Result<(), QueueError> {
        let attributes: Vec<_> = message.attributes().collect();
        let (body, group, trace) = (message.body.clone(), message.group.as_deref(), message.trace.as_ref());
        self.send(Message { body, group, attributes: &attributes, trace }).await
    }
}

impl Pacer for Queue {
    async fn hide(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt_handle);
        let request = request.visibility_timeout(visibility_seconds(wait));
        request.send().await.map_err(|error| QueueError::of_reading(&error))?;
        Ok(())
    }
}

fn entry(at: usize, message: &QueuedMessage) -> SendMessageBatchRequestEntry {
    let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(escaped(message.body.clone()));
    let entry = entry
        .set_message_group_id(message.group.as_deref().and_then(group))
        .set_message_attributes(attributes(message.attributes()))
        .set_message_system_attributes(message.trace.as_ref().map(system_attributes));
    entry.build().expect("the only required parts are id and body")
}

fn string_attribute(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    attribute.expect("the only required part is the data type")
}

/// SQS allows no empty attributes.
fn attributes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<HashMap<String, MessageAttributeValue>> {
    let full = pairs.filter(|(_, value)| !value.is_empty());
    let attributes: HashMap<_, _> = full.map(|(name, value)| (name.to_owned(), string_attribute(value))).collect();
    (!attributes.is_empty()).then_some(attributes)
}

fn system_attributes(trace: &Trace) -> HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue> {
    let attribute = MessageSystemAttributeValue::builder().data_type("String").string_value(trace.header()).build();
    let attribute = attribute.expect("the only required part is the data type");
    HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, attribute)])
}

/// SQS takes up to 128 ASCII letters, digits and punctuation marks.
fn group(name: &str) -> Option<String> {
    let group: String = name.chars().take(LONGEST_GROUP).map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
    (!group.is_empty()).then_some(group)
}

fn visibility_seconds(wait: Duration) -> i32 {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    i32::try_from(seconds.min(LONGEST_VISIBILITY_SECONDS)).expect("12 hours in seconds fit")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_sdk_sqs::config::retry::RetryConfig;
    use aws_sdk_sqs::config::timeout::TimeoutConfig;
    use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use webhooks_model::retry::Next;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    const URL: &str = "https://sqs.eu-north-1.amazonaws.com/123456789012/notifications";
    /// An address without a server.
    const NOWHERE: &str = "http://127.0.0.1:1";

    fn queue_at(endpoint_url: &str, timeouts: TimeoutConfig) -> Queue {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .endpoint_url(endpoint_url);
        Queue::new(Client::from_conf(config.build()), URL.to_owned())
    }

    pub(crate) fn answer(status: u16, body: &Value) -> ResponseTemplate {
        ResponseTemplate::new(status).set_body_json(body)
    }

    /// A server that gives these answers in order, and repeats the last.
    pub(crate) async fn sqs_answering(answers: Vec<ResponseTemplate>) -> (Queue, MockServer) {
        let sqs = MockServer::start().await;
        let last = answers.len() - 1;
        for (n, answer) in answers.into_iter().enumerate() {
            let answers = Mock::given(matchers::any()).respond_with(answer);
            if n < last { answers.up_to_n_times(1) } else { answers }.mount(&sqs).await;
        }
        (queue_at(&sqs.uri(), TimeoutConfig::disabled()), sqs)
    }

    pub(crate) async fn queue_answering(status: u16, query_error: Option<&str>, body: &Value) -> (Queue, MockServer) {
        let error = query_error.map(|error| ("x-amzn-query-error", error));
        sqs_answering(vec![answer(status, body).append_headers(error)]).await
    }

    async fn request(sqs: &MockServer) -> (String, Value) {
        let requests = sqs.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1);
        let target = requests[0].headers["x-amz-target"].to_str().unwrap();
        (target.to_owned(), requests[0].body_json().unwrap())
    }

    fn message<'a>(group: Option<&'a str>, attributes: &'a [(&'a str, &'a str)]) -> Message<'a> {
        Message { body: "CANARY\n{\"a\":\"é\u{ffff}\"}".to_owned(), group, attributes, trace: None }
    }

    #[tokio::test]
    async fn sends_a_message_with_its_group_and_attributes() {
        let (queue, sqs) = queue_answering(200, None, &json!({"MessageId": "1", "MD5OfMessageBody": "-"})).await;
        queue.send(message(Some("5a0e6f0e"), &[("origin", "replay"), ("empty", "")])).await.unwrap();
        let (target, sent) = request(&sqs).await;
        assert_eq!(target, "AmazonSQS.SendMessage");
        let expected = json!({
            "QueueUrl": URL,
            "MessageBody": "CANARY\n{\"a\":\"é\\uffff\"}",
            "MessageGroupId": "5a0e6f0e",
            "MessageAttributes": {"origin": {"DataType": "String", "StringValue": "replay"}},
        });
        assert_eq!(sent, expected);
    }

    #[tokio::test]
    async fn leaves_out_a_missing_group_and_missing_attributes() {
        for group in [None, Some("")] {
            let (queue, sqs) = queue_answering(200, None, &json!({"MessageId": "1"})).await;
            queue.send(message(group, &[])).await.unwrap();
            let (_, sent) = request(&sqs).await;
            assert_eq!(sent, json!({"QueueUrl": URL, "MessageBody": "CANARY\n{\"a\":\"é\\uffff\"}"}));
        }
    }

    #[tokio::test]
    async fn sends_a_message_with_its_trace() {
        let (queue, sqs) = queue_answering(200, None, &json!({"MessageId": "1"})).await;
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let trace = Trace::parse(header);
        queue.send(Message { trace: trace.as_ref(), ..message(None, &[]) }).await.unwrap();
        let (_, sent) = request(&sqs).await;
        let expected = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": header}});
        assert_eq!(sent["MessageSystemAttributes"], expected);
    }

    #[tokio::test]
    async fn hiding_changes_the_visibility_in_whole_seconds() {
        for (wait, seconds) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(90), 90),
            (Duration::from_millis(90_001), 91),
            (Duration::from_secs(42_300), 42_300),
            (Duration::from_secs(43_200), 42_300),
            (Duration::MAX, 42_300),
        ] {
            let (queue, sqs) = queue_answering(200, None, &json!({})).await;
            queue.hide("handle", wait).await.unwrap();
            let (target, sent) = request(&sqs).await;
            assert_eq!(target, "AmazonSQS.ChangeMessageVisibility");
            assert_eq!(sent, json!({"QueueUrl": URL, "ReceiptHandle": "handle", "VisibilityTimeout": seconds}));
        }
    }

    #[tokio::test]
    async fn a_refusal_is_temporary_unless_the_message_is_invalid() {
        let invalid = |code: &str| QueueError::InvalidMessage(code.to_owned());
        let unavailable = |code: &str| QueueError::Unavailable(code.to_owned());
        for (status, shape, query_error, expected) in [
            (400, "InvalidMessageContents", None, invalid("InvalidMessageContents")),
            (
                400,
                "InvalidParameterValueException",
                Some("InvalidParameterValue;Sender"),
                invalid("InvalidParameterValue"),
            ),
            (400, "InvalidParameterValueException", None, invalid("InvalidParameterValueException")),
            (400, "MissingRequiredParameterException", Some("MissingParameter;Sender"), invalid("MissingParameter")),
            (400, "RequestThrottled", None, unavailable("RequestThrottled")),
            (400, "QueueDoesNotExist", None, unavailable("QueueDoesNotExist")),
            (403, "AccessDeniedException", None, unavailable("AccessDeniedException")),
            (500, "InternalFailure", None, unavailable("InternalFailure")),
            (503, "ServiceUnavailable", None, unavailable("ServiceUnavailable")),
        ] {
            let answer = json!({"__type": format!("com.amazonaws.sqs#{shape}"), "message": "the message was CANARY"});
            let (queue, _sqs) = queue_answering(status, query_error, &answer).await;
            let error = queue.send(message(Some("t"), &[])).await.unwrap_err();
            assert_eq!(error, expected, "{shape}");
            let next = if matches!(error, QueueError::InvalidMessage(_)) { Next::Bug } else { Next::unavailable() };
            assert_eq!(error.next(), next, "{shape}");
            assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_message_that_can_no_longer_be_hidden_is_not_a_bug() {
        let answer = json!({"__type": "com.amazonaws.sqs#MessageNotInflight", "message": "handle"});
        let (queue, _sqs) =
            queue_answering(400, Some("AWS.SimpleQueueService.MessageNotInflight;Sender"), &answer).await;
        let error = queue.hide("handle", Duration::ZERO).await.unwrap_err();
        assert_eq!(error.next(), Next::unavailable(), "{error}");
    }

    #[tokio::test]
    async fn reports_a_missing_answer_without_the_message() {
        let (_, sqs) = sqs_answering(vec![answer(200, &json!({})).set_delay(Duration::from_secs(60))]).await;
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(5)).build();
        let error = queue_at(&sqs.uri(), timeouts).send(message(None, &[])).await.unwrap_err();
        assert_eq!(error, QueueError::Unavailable("time-out".to_owned()));

        let nowhere = queue_at(NOWHERE, TimeoutConfig::disabled());
        let no_connection = Err(QueueError::Unavailable("no connection".to_owned()));
        assert_eq!(nowhere.send(message(None, &[])).await, no_connection);
        assert_eq!(nowhere.connect().await, no_connection);
    }

    proptest! {
        #[test]
        fn every_group_is_one_that_sqs_takes(name in any::<String>()) {
            let group = group(&name);
            prop_assert_eq!(group.is_none(), name.is_empty());
            let group = group.unwrap_or_default();
            prop_assert!(group.len() <= 128 && group.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte.is_ascii_punctuation()));
        }

        #[test]
        fn a_tenant_id_is_its_own_group(id in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") {
            prop_assert_eq!(group(&id), Some(id));
        }
    }

    fn messages(count: usize) -> Vec<QueuedMessage> {
        (0..count).map(|n| message(Some("5a0e6f0e"), &[("n", ["zero", "one", "two"][n])]).into()).collect()
    }

    #[tokio::test]
    async fn several_messages_go_in_one_request_and_each_has_its_own_result() {
        let answer = json!({
            "Successful": [{"Id": "2", "MessageId": "9", "MD5OfMessageBody": "-"}],
            "Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": false}],
        });
        let (queue, sqs) = queue_answering(200, None, &answer).await;
        let results = queue.send_all(messages(3)).await;
        let unavailable = |what: &str| Err(QueueError::Unavailable(what.to_owned()));
        assert_eq!(results, [unavailable("InternalError"), unavailable("answer not understood"), Ok(())]);
        let (target, sent) = request(&sqs).await;
        assert_eq!(target, "AmazonSQS.SendMessageBatch");
        let expected = json!({
            "Id": "1",
            "MessageBody": "CANARY\n{\"a\":\"é\\uffff\"}",
            "MessageGroupId": "5a0e6f0e",
            "MessageAttributes": {"n": {"DataType": "String", "StringValue": "one"}},
        });
        assert_eq!(sent["Entries"][1], expected);
    }

    #[tokio::test]
    async fn an_unanswered_request_fails_for_each_of_its_messages() {
        let (queue, sqs) = queue_answering(503, Some("ServiceUnavailable;Receiver"), &json!({})).await;
        let results = queue.send_all(messages(2)).await;
        assert_eq!(sqs.received_requests().await.unwrap().len(), 1, "SQS is asked once");
        assert!(
            results.len() == 2 && results.iter().all(|one| matches!(one, Err(QueueError::Unavailable(_)))),
            "{results:?}"
        );
    }

    #[tokio::test]
    async fn sends_each_message_alone_when_sqs_refuses_them_together() {
        let invalid = || answer(400, &json!({"__type": "com.amazonaws.sqs#InvalidMessageContents"}));
        let (queue, _sqs) = sqs_answering(vec![invalid(), answer(200, &json!({"MessageId": "1"})), invalid()]).await;
        let results = queue.send_all(messages(2)).await;
        assert_eq!(results, [Ok(()), Err(QueueError::InvalidMessage("InvalidMessageContents".into()))]);
    }

    #[tokio::test]
    async fn sends_one_by_one_what_exceeds_one_request() {
        for query_error in [None, Some("AWS.SimpleQueueService.BatchRequestTooLong;Sender")] {
            let too_long = answer(400, &json!({"__type": "com.amazonaws.sqs#BatchRequestTooLong"}))
                .append_headers(query_error.map(|error| ("x-amzn-query-error", error)));
            let (queue, sqs) = sqs_answering(vec![too_long, answer(200, &json!({"MessageId": "1"}))]).await;
            assert_eq!(queue.send_all(messages(3)).await, [Ok(()), Ok(()), Ok(())]);
            assert_eq!(sqs.received_requests().await.unwrap().len(), 1 + 3);
        }
    }
}
