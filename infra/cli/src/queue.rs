//! An SQS queue, as the commands use it.

use crate::error::Failure;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
};
use std::time::Duration;

pub use webhooks_queue::{BATCH, DeadLetter as Received, Depth};

pub trait Queue {
    /// Receives up to ten messages and hides them for `hidden`. Waits up to `wait` for the first
    /// one, 20 seconds at most.
    fn receive(
        &self,
        most: usize,
        hidden: Duration,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Received>, Failure>>;
    /// Sends a message as it was sent first: body, attributes, group and trace.
    fn send(&self, message: &Received) -> impl Future<Output = Result<(), Failure>>;
    fn delete(&self, message: &Received) -> impl Future<Output = Result<(), Failure>>;
    /// Makes it visible again at once.
    fn show(&self, message: &Received) -> impl Future<Output = Result<(), Failure>>;
    fn depth(&self) -> impl Future<Output = Result<Depth, Failure>>;
}

#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
}

impl Sqs {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

impl Queue for Sqs {
    async fn receive(&self, most: usize, hidden: Duration, wait: Duration) -> Result<Vec<Received>, Failure> {
        let call = self.client.receive_message().queue_url(&self.url).max_number_of_messages(whole(most.min(BATCH)));
        let call = call.visibility_timeout(whole(hidden.as_secs())).wait_time_seconds(whole(wait.as_secs().min(20)));
        let call = call.message_attribute_names("All").message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = call.send().await.map_err(|error| Failure::aws("receive from the queue", error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(Received::from).collect())
    }

    async fn send(&self, message: &Received) -> Result<(), Failure> {
        let attributes = (!message.attributes.is_empty()).then(|| message.attributes.clone());
        let call = self.client.send_message().queue_url(&self.url).message_body(&message.body);
        let mut call = call.set_message_group_id(message.group.clone()).set_message_attributes(attributes);
        if let Some(trace) = &message.trace {
            let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build();
            let value = value.expect("the only required part is the data type");
            call = call.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
        }
        call.send().await.map(drop).map_err(|error| Failure::aws("send to the queue", error))
    }

    async fn delete(&self, message: &Received) -> Result<(), Failure> {
        let call = self.client.delete_message().queue_url(&self.url).receipt_handle(&message.receipt);
        call.send().await.map(drop).map_err(|error| Failure::aws("delete from the queue", error))
    }

    async fn show(&self, message: &Received) -> Result<(), Failure> {
        let call = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(&message.receipt);
        let call = call.visibility_timeout(0);
        call.send().await.map(drop).map_err(|error| Failure::aws("put the message back", error))
    }

    async fn depth(&self) -> Result<Depth, Failure> {
        let (waiting, in_flight) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let call = self.client.get_queue_attributes().queue_url(&self.url);
        let call = call.attribute_names(waiting.clone()).attribute_names(in_flight.clone());
        let answer = call.send().await.map_err(|error| Failure::aws("count the queue", error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let number = |name| attributes.get(name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Depth { waiting: number(&waiting), in_flight: number(&in_flight) })
    }
}

fn whole(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
