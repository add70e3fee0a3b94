//! One queue of Amazon SQS.

use crate::{Message, Pacer, QueueError, Sender, Trace};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
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
}

impl Sender for Queue {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        let mut request = self.client.send_message().queue_url(&self.url).message_body(message.body);
        request = request.set_message_group_id(message.group.and_then(group));
        for (name, value) in message.attributes.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.message_attributes(*name, string_attribute(value));
        }
        if let Some(trace) = message.trace {
            let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
            request = request.message_system_attributes(name, trace_attribute(trace));
        }
        request.send().await.map_err(|error| QueueError::of_sending(&error))?;
        Ok(())
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

fn string_attribute(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    attribute.expect("the only required part is the data type")
}

fn trace_attribute(trace: &Trace) -> MessageSystemAttributeValue {
    let attribute = MessageSystemAttributeValue::builder().data_type("String").string_value(trace.header()).build();
    attribute.expect("the only required part is the data type")
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
