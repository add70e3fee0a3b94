//! The part of SQS's JSON protocol that the functions use.

use crate::calls::Tally;
use crate::checksum;
use crate::queues::{Queues, Received, chunks, payload};
use crate::server::Answer;
use serde_json::{Map, Value, json};
use webhooks_host::{Host, SystemHost};

/// The most messages in one batch.
const BATCH: usize = 10;
/// The largest request that SQS accepts, in bytes.
const LARGEST: usize = 1024 * 1024;

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
        ("MD5OfMessageBody".to_owned(), checksum::of_body(&body).into()),
    ]);
    let checksums = [("MD5OfMessageAttributes", &attributes), ("MD5OfMessageSystemAttributes", &system)];
    for (name, attributes) in checksums {
        confirmation.extend(checksum::of_attributes(attributes).map(|checksum| (name.to_owned(), checksum.into())));
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
