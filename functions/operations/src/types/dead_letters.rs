//! The shapes of dead letters.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// Messages that were given up, by queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    pub(crate) queues: Vec<DeadLetterQueue>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetterQueue {
    /// notifications, feedback, events or repairs.
    pub(crate) name: &'static str,
    /// About how many there are, as SQS counts.
    pub(crate) waiting: u64,
    /// About how many somebody is looking at or sending again just now.
    pub(crate) in_flight: u64,
    /// When the oldest of the sample was first sent. Absent without a sample; SQS tells no more than that.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) oldest_sent_at: Option<OffsetDateTime>,
    /// Some of them, as SQS hands them out.
    pub(crate) sample: Vec<DeadLetter>,
}

/// A message without its body, which may hold personal data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetter {
    /// Its id at SQS, by which it can be sent again alone.
    pub(crate) id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) sent_at: OffsetDateTime,
    /// Looking at it counts as well.
    pub(crate) receive_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// A stable code: why the feedback function rejected it, what the ledger says of its first notification, unconsumed, not_understood, or
    /// given_up where nobody knows more.
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
    /// Those of its notifications that the ledger knows, ten at most.
    pub(crate) notifications: Vec<DeadNotification>,
    /// The type of an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// The job that does not go on.
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

/// Which dead letters of a queue to send again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRedrive {
    /// One of them; all when absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9-]+$")]
    pub(crate) message: Option<String>,
    /// Also outcomes that the feedback function rejected, which will be rejected again unless it has changed.
    #[serde(default)]
    pub(crate) rejected: bool,
    /// Messages per second; 10 unless told.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}
