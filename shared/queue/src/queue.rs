//! One queue of Amazon SQS.

use crate::{BatchSender, Message, Pacer, QueueError, QueuedMessage, Sender, Trace};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use futures::future::join_all;
use std::collections::HashMap;
use std::time::Duration;

const LONGEST_GROUP: usize = 128;
const LONGEST_VISIBILITY_SECONDS: u64 = 43_200;

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
        let request = self.client.send_message().queue_url(&self.url).message_body(message.body);
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
    let entry = SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(&message.body);
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
#[path = "queue_tests.rs"]
mod tests;
