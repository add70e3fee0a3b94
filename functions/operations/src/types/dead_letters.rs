//! Requests and responses about dead letters.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_model::from_objects;

/// Messages that SQS moved to a dead-letter queue, by queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    pub(crate) queues: Vec<DeadLetterQueue>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterQueue {
    /// notifications, feedback, events or repairs.
    pub(crate) name: &'static str,
    /// Approximate number of messages, as counted by SQS.
    pub(crate) waiting: u64,
    /// Approximate number of messages that are being read or redriven right now.
    pub(crate) in_flight: u64,
    /// When the oldest message of the sample was first sent. Absent without a sample. SQS does not
    /// report the age of the others.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) oldest_sent_at: Option<OffsetDateTime>,
    /// Some of the messages, in the order in which SQS returns them.
    pub(crate) sample: Vec<DeadLetter>,
}

/// A message without its body, since the body may contain personal data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    /// The id of the message in SQS. A redrive can name it to send only this message.
    pub(crate) id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) sent_at: OffsetDateTime,
    /// How often it was received. Listing it counts as well.
    pub(crate) receive_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// A stable code: why the feedback function rejected it, or the reason or state of its first
    /// notification in the ledger, or unconsumed, not_understood or given_up.
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
    /// Its reader refuses it as it is, so it would die again.
    pub(crate) dies_again: bool,
    /// Its notifications that are in the ledger, at most ten.
    pub(crate) notifications: Vec<DeadNotification>,
    /// The type of the event, for a message of the events queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// The job that has stopped, for a message of the repairs queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadNotification {
    #[serde(rename = "ref")]
    pub(crate) reference: String,
    pub(crate) event: String,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

/// Selects the dead letters of a queue to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewRedrive {
    /// The id of one message. Without it, all messages are sent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9-]+$")]
    pub(crate) message: Option<String>,
    /// Also send outcomes that the feedback function rejected. It rejects them again unless it has
    /// changed.
    #[serde(default)]
    pub(crate) rejected: bool,
    /// Messages per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewRedrive);
