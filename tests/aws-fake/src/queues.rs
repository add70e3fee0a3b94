//! Queues in memory, and Lambda's event for their messages.

use crate::checksum;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// The payload that SQS bills as one request, in bytes.
const CHUNK: usize = 64 * 1024;

/// Requests as SQS bills them for a payload of this many bytes.
pub fn chunks(bytes: usize) -> u64 {
    (bytes.div_ceil(CHUNK) as u64).max(1)
}

/// A message taken from a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub id: String,
    pub body: String,
    /// How often it was taken, including this time.
    pub receive_count: u32,
    /// Unix milliseconds.
    pub sent_at: i128,
    pub group: Option<String>,
    /// The system attribute `AWSTraceHeader`.
    pub trace: Option<String>,
    /// Message attributes as they were sent.
    pub attributes: Map<String, Value>,
}

impl Received {
    /// The size that SQS bills, in bytes: the body, and the names, types and values of its
    /// attributes.
    pub fn bytes(&self) -> usize {
        payload(&self.body, &self.attributes)
    }
}

pub(crate) fn payload(body: &str, attributes: &Map<String, Value>) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let attributes = attributes
        .iter()
        .map(|(name, attribute)| name.len() + length(&attribute["DataType"]) + length(&attribute["StringValue"]));
    body.len() + attributes.sum::<usize>()
}

/// The messages as the event of a Lambda invocation.
pub fn sqs_event(queue: &str, messages: &[Received]) -> Value {
    let records: Vec<Value> = messages.iter().map(|message| record(queue, message)).collect();
    json!({ "Records": records })
}

fn record(queue: &str, message: &Received) -> Value {
    let mut attributes = Map::from_iter([
        ("ApproximateReceiveCount".to_owned(), message.receive_count.to_string().into()),
        ("SentTimestamp".to_owned(), message.sent_at.to_string().into()),
        ("ApproximateFirstReceiveTimestamp".to_owned(), message.sent_at.to_string().into()),
        ("SenderId".to_owned(), "AIDAIENQZJOLO23YVJ4VO".into()),
    ]);
    attributes.extend(message.group.as_ref().map(|group| ("MessageGroupId".to_owned(), group.as_str().into())));
    attributes.extend(message.trace.as_ref().map(|trace| ("AWSTraceHeader".to_owned(), trace.as_str().into())));
    let sent = message.attributes.iter();
    let sent = sent.map(|(name, attribute)| {
        let value = json!({
            "stringValue": attribute["StringValue"], "stringListValues": [], "binaryListValues": [],
            "dataType": attribute["DataType"],
        });
        (name.clone(), value)
    });
    json!({
        "messageId": message.id, "receiptHandle": format!("receipt-{}", message.id), "body": message.body,
        "attributes": attributes, "messageAttributes": sent.collect::<Map<_, _>>(),
        "md5OfBody": checksum::of_body(&message.body), "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:eu-north-1:000000000000:{queue}"), "awsRegion": "eu-north-1",
    })
}

#[derive(Debug, Default)]
pub(crate) struct Queues(BTreeMap<String, VecDeque<Received>>);

impl Queues {
    pub(crate) fn with(names: &[&str]) -> Self {
        Self(names.iter().map(|name| ((*name).to_owned(), VecDeque::new())).collect())
    }

    pub(crate) fn get(&mut self, name: &str) -> Option<&mut VecDeque<Received>> {
        self.0.get_mut(name)
    }

    pub(crate) fn take(&mut self, name: &str, most: usize) -> Vec<Received> {
        let queue = self.0.get_mut(name).unwrap_or_else(|| panic!("no queue {name}"));
        let most = most.min(queue.len());
        let mut taken: Vec<_> = queue.drain(..most).collect();
        taken.iter_mut().for_each(|message| message.receive_count += 1);
        taken
    }

    pub(crate) fn put(&mut self, name: &str, messages: impl IntoIterator<Item = Received>) {
        self.0.get_mut(name).unwrap_or_else(|| panic!("no queue {name}")).extend(messages);
    }
}
