//! What several routes answer: notifications, and jobs.

pub(crate) mod jobs;

use crate::reference;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::{LedgerKey, sorted};
use webhooks_store::{Deed, Line, Record};

/// A notification in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notification {
    /// Its name in this API.
    #[serde(rename = "ref")]
    reference: String,
    tenant: String,
    entity: &'static str,
    /// The entity's visible number.
    key: String,
    /// The notification's key: a hash of its content, a dot, and the sender's id.
    id: String,
    event: String,
    channel: String,
    origin: String,
    subscription: String,
    /// retrying, paused, dead, parked, unparseable, superseded or processed.
    state: &'static str,
    /// Why it is retrying, dead or parked, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The error of the last attempt, while it is retrying, dead or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    /// The document's status in the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The part of the ERP it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// The `ref` of the record under another key that replaces this one. This record is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    /// The `ref` of the closed record that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<String>,
    /// Number of failed attempts that are kept: all, or at least the newest 20.
    attempts: usize,
    /// Present if a person should look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<Attention>,
    feedback: Feedback,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attention {
    /// dead, parked, unparseable or feedback_parked.
    kind: &'static str,
    /// When it or its feedback last changed.
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
    /// Absent until an operator acknowledges that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Acknowledged>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Acknowledged {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    note: String,
}

/// The answer that the accountant reads in Visma Net.
#[derive(Debug, Serialize, ToSchema)]
struct Feedback {
    /// none, awaited, queued, sent or parked.
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Why Visma Net has not accepted it, as a stable code, while it is queued or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The error of the last attempt, while it is queued or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    /// The deadline of an awaited outcome.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
}

/// A notification with its timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    #[serde(flatten)]
    notification: Notification,
    /// The id of its delivery.
    delivery: String,
    /// What happened to it, oldest first. Of failed attempts, of failed feedback, of actions, and of
    /// the times when it was parked, paused or replayed, at least the newest 20 are kept.
    timeline: Vec<Moment>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Moment {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// received, attempt_failed, parked, paused, a final state, moved, feedback_failed,
    /// feedback_sent, feedback_parked, replayed, or an operator's action.
    what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_count: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notifications {
    pub(crate) items: Vec<Notification>,
    /// The cursor of the next page; absent at the end. A page before the end may be short or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Number of items left out, since only a newer version can read them. Filters do not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<usize>,
    /// In a list by time: the earliest time of receipt.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    /// In a list by time: notifications were received before this time.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) to: Option<OffsetDateTime>,
}

/// A list's `left_out`.
pub(crate) fn left_out(unread: usize) -> Option<usize> {
    (unread > 0).then_some(unread)
}

impl From<Record> for Notification {
    fn from(record: Record) -> Self {
        let attention = Attention::of(&record);
        let LedgerKey { entity, notification } = &record.key;
        let is_open = record.feedback.is_some_and(|state| ["queued", "parked"].contains(&state.as_str()));
        let known = record.feedback.map_or("none", |state| state.as_str());
        let tried = record.feedback_attempts.last().filter(|_| is_open);
        Self {
            reference: reference::of(&record.key, record.received_at),
            tenant: entity.tenant.clone(),
            entity: entity.entity.as_str(),
            key: entity.key.clone(),
            id: notification.to_string(),
            event: record.event,
            channel: record.channel,
            origin: record.origin,
            subscription: record.subscription,
            state: record.state.as_str(),
            reason: record.reason.map(|reason| reason.as_str()),
            cause: record.attempts.last().filter(|_| !record.state.is_final()).map(|line| line.text.clone()),
            received_at: record.received_at,
            status: record.status,
            source: record.source,
            moved_to: record.moved_to.as_ref().map(|key| reference::of(key, record.received_at)),
            moved_from: record.moved_from.as_ref().map(|key| reference::of(key, record.received_at)),
            attempts: record.attempts.len(),
            attention,
            feedback: Feedback {
                state: record.newer_feedback.unwrap_or_else(|| known.to_owned()),
                is_success: record.feedback_success,
                description: record.feedback_description,
                reason: tried.map(|line| line.what.clone()),
                cause: tried.map(|line| line.text.clone()),
                at: record.feedback_at,
                deadline: record.feedback_deadline,
            },
        }
    }
}

impl Attention {
    fn of(record: &Record) -> Option<Self> {
        let own = record.attention.as_ref()?;
        let acknowledge = Deed::Acknowledge { kind: own.kind, changed_at: own.changed_at };
        let is_one = |line: &&Line| line.what == acknowledge.as_str();
        // Records of earlier versions have it only in the list.
        let last = record.acknowledgement.as_ref().or_else(|| record.actions.iter().rfind(is_one));
        let last = last.filter(|_| own.is_acknowledged);
        let acknowledged = last.map(|line| Acknowledged { at: line.at, by: line.by.clone(), note: line.text.clone() });
        Some(Self { kind: own.kind, changed_at: own.changed_at, acknowledged })
    }
}

impl From<Record> for Detail {
    fn from(record: Record) -> Self {
        Self { delivery: record.delivery.clone(), timeline: timeline(&record), notification: record.into() }
    }
}

fn timeline(record: &Record) -> Vec<Moment> {
    let plain = |at, what: &str| Moment {
        at,
        what: what.to_owned(),
        text: String::new(),
        reason: None,
        by: None,
        receive_count: None,
    };
    let failed = |line: &Line, what| Moment {
        text: line.text.clone(),
        reason: Some(line.what.clone()),
        receive_count: line.receive_count,
        ..plain(line.at, what)
    };
    let mut moments = vec![plain(record.received_at, "received")];
    moments.extend(record.attempts.iter().map(|line| failed(line, "attempt_failed")));
    moments.extend(record.moments.iter().map(|line| Moment {
        reason: Some(line.text.clone()).filter(|reason| !reason.is_empty()),
        ..plain(line.at, &line.what)
    }));
    moments.extend(record.ended_at.map(|at| match &record.moved_to {
        Some(LedgerKey { entity, .. }) => {
            Moment { text: format!("{} {}", entity.entity.label(), entity.key), ..plain(at, "moved") }
        }
        None => plain(at, record.state.as_str()),
    }));
    moments.extend(record.feedback_attempts.iter().map(|line| failed(line, "feedback_failed")));
    let answered = record.feedback.filter(|state| ["sent", "parked"].contains(&state.as_str()));
    moments.extend(answered.zip(record.feedback_at).map(|(state, at)| Moment {
        text: record.feedback_description.clone().unwrap_or_default(),
        ..plain(at, &format!("feedback_{}", state.as_str()))
    }));
    moments.extend(record.actions.iter().map(|line| Moment {
        text: line.text.clone(),
        by: line.by.clone(),
        ..plain(line.at, &line.what)
    }));
    sorted::by(moments, |one, other| one.at.cmp(&other.at))
}
