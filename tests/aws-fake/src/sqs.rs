//! The part of SQS's JSON protocol that the functions use, over queues in memory, and Lambda's
//! event for their messages.

use crate::calls::Tally;
use crate::server::Answer;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use webhooks_host::{Host, SystemHost};

/// The most messages in one batch.
const BATCH: usize = 10;
/// The largest request that SQS accepts, in bytes.
const LARGEST: usize = 1024 * 1024;
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

fn payload(body: &str, attributes: &Map<String, Value>) -> usize {
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
        "md5OfBody": checksum_of_body(&message.body), "eventSource": "aws:sqs",
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

pub(crate) fn answer(operation: &str, body: &[u8], queues: &mut Queues) -> Answer {
    let Ok(request) = serde_json::from_slice::<Value>(body) else {
        return refused("InvalidMessageContents", "InvalidMessageContents", "not JSON");
    };
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    let name = url.rsplit('/').next().unwrap_or_default();
    let Some(queue) = queues.get(name) else {
        return refused("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", name);
    };
    match operation {
        "SendMessage" => send(&request, |message| queue.push_back(message)),
        "SendMessageBatch" => send_batch(&request, |message| queue.push_back(message)),
        "GetQueueAttributes" => {
            let waiting = json!({"ApproximateNumberOfMessages": queue.len().to_string()});
            done(&json!({ "Attributes": waiting }), 1)
        }
        // A taken message belongs to its consumer, so its visibility has no effect here.
        "ChangeMessageVisibility" => done(&Value::Null, 1),
        "ChangeMessageVisibilityBatch" => match entries(&request) {
            Ok(entries) => {
                let successful: Vec<_> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
                done(&json!({"Successful": successful, "Failed": []}), 1)
            }
            Err(refusal) => refusal,
        },
        _ => refused("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", operation),
    }
}

fn send(request: &Value, put: impl FnOnce(Received)) -> Answer {
    let size = size(request);
    if size > LARGEST {
        return refused("InvalidParameterValueException", "InvalidParameterValue", "larger than 1 MiB");
    }
    let (message, confirmation) = message(request);
    put(message);
    done(&confirmation, chunks(size))
}

fn send_batch(request: &Value, mut put: impl FnMut(Received)) -> Answer {
    let entries = match entries(request) {
        Ok(entries) => entries,
        Err(refusal) => return refusal,
    };
    let size = entries.iter().map(size).sum();
    if size > LARGEST {
        return refused("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "larger than 1 MiB");
    }
    let mut successful = Vec::with_capacity(entries.len());
    for entry in entries {
        let (message, mut confirmation) = message(entry);
        confirmation["Id"] = entry["Id"].clone();
        put(message);
        successful.push(confirmation);
    }
    done(&json!({"Successful": successful, "Failed": []}), chunks(size))
}

fn entries(request: &Value) -> Result<&Vec<Value>, Answer> {
    let entries = request["Entries"].as_array().filter(|entries| !entries.is_empty());
    let entries =
        entries.ok_or_else(|| refused("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", "no entry"))?;
    if entries.len() > BATCH {
        return Err(refused(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            "more than ten entries",
        ));
    }
    let mut ids: Vec<&str> = entries.iter().filter_map(|entry| entry["Id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let distinct = ids.len() == entries.len();
    let not_distinct = || {
        refused("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "ids are not distinct")
    };
    distinct.then_some(entries).ok_or_else(not_distinct)
}

/// The message, and SQS's confirmation.
fn message(sent: &Value) -> (Received, Value) {
    let map = |name: &str| sent[name].as_object().cloned().unwrap_or_default();
    let (attributes, system) = (map("MessageAttributes"), map("MessageSystemAttributes"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let body = text(&sent["MessageBody"]).unwrap_or_default();
    let id = SystemHost.new_id().to_string();
    let mut confirmation = Map::from_iter([
        ("MessageId".to_owned(), id.as_str().into()),
        ("MD5OfMessageBody".to_owned(), checksum_of_body(&body).into()),
    ]);
    let checksums = [("MD5OfMessageAttributes", &attributes), ("MD5OfMessageSystemAttributes", &system)];
    for (name, attributes) in checksums {
        confirmation.extend(checksum_of_attributes(attributes).map(|checksum| (name.to_owned(), checksum.into())));
    }
    let message = Received {
        id,
        body,
        receive_count: 0,
        sent_at: SystemHost.now().unix_timestamp_nanos() / 1_000_000,
        group: text(&sent["MessageGroupId"]),
        trace: text(&sent["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"]),
        attributes,
    };
    (message, confirmation.into())
}

fn size(sent: &Value) -> usize {
    let none = Map::new();
    let attributes = sent["MessageAttributes"].as_object().unwrap_or(&none);
    payload(sent["MessageBody"].as_str().unwrap_or_default(), attributes)
}

fn done(answer: &Value, chunks: u64) -> Answer {
    let body = if answer.is_null() { String::new() } else { answer.to_string() };
    Answer::done(body, Tally { chunks, ..Tally::default() })
}

/// An error also has a code of the older protocol, which clients still check.
fn refused(shape: &str, code: &'static str, message: &str) -> Answer {
    Answer { query_code: Some(code), ..Answer::refused(&format!("com.amazonaws.sqs#{shape}"), message) }
}

/// The checksum of a message's body.
fn checksum_of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// The checksum of message attributes, including system attributes, by AWS's rule. The names are in
/// order. Each attribute has its name, its data type, a byte for text (1) or bytes (2), and its
/// value. The length precedes each part in four bytes.
///
/// `None` without attributes, or with an attribute that is not text, since nothing here sends
/// bytes.
fn checksum_of_attributes(attributes: &Map<String, Value>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let mut digest = Md5::new();
    for (name, attribute) in sorted {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute["DataType"].as_str()?.as_bytes());
        digest.update([1]);
        part(&mut digest, attribute["StringValue"].as_str()?.as_bytes());
    }
    Some(hex(&digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update((bytes.len() as u32).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bodys_checksum_matches_the_documented_example() {
        assert_eq!(checksum_of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
    }

    /// Taken from the tests of other implementations, which copied it from AWS.
    #[test]
    fn an_attributes_checksum_matches_aws() {
        let attributes = json!({"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}});
        let checksum = checksum_of_attributes(attributes.as_object().unwrap());
        assert_eq!(checksum.as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(checksum_of_attributes(&Map::new()), None);
    }
}
