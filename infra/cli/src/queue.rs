//! An SQS queue, as the commands use it.

use crate::error::Failure;
use aws_sdk_sqs::Client;
use std::time::Duration;
use webhooks_queue::is_not_hidden;

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
    /// Makes it visible again at once. It may be visible already, or deleted.
    fn show(&self, message: &Received) -> impl Future<Output = Result<(), Failure>>;
    fn depth(&self) -> impl Future<Output = Result<Depth, Failure>>;
}

#[derive(Debug, Clone)]
pub struct Sqs(webhooks_queue::Queue);

impl Sqs {
    pub fn new(client: Client, url: String) -> Self {
        Self(webhooks_queue::Queue::new(client, url))
    }
}

impl Queue for Sqs {
    async fn receive(&self, most: usize, hidden: Duration, wait: Duration) -> Result<Vec<Received>, Failure> {
        let answer = self.0.receive_request(most, hidden, wait).send().await;
        let answer = answer.map_err(|error| Failure::aws("receive from the queue", error))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(Received::from).collect())
    }

    async fn send(&self, message: &Received) -> Result<(), Failure> {
        let answer = self.0.send_again_request(message).send().await;
        answer.map(drop).map_err(|error| Failure::aws("send to the queue", error))
    }

    async fn delete(&self, message: &Received) -> Result<(), Failure> {
        let answer = self.0.delete_request(message).send().await;
        answer.map(drop).map_err(|error| Failure::aws("delete from the queue", error))
    }

    async fn show(&self, message: &Received) -> Result<(), Failure> {
        match self.0.show_request(message).send().await {
            Err(error) if !is_not_hidden(&error) => Err(Failure::aws("put the message back", error)),
            _ => Ok(()),
        }
    }

    async fn depth(&self) -> Result<Depth, Failure> {
        let answer = self.0.depth_request().send().await;
        Ok(Depth::of(&answer.map_err(|error| Failure::aws("count the queue", error))?))
    }
}
