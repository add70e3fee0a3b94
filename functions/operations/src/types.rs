//! The API's own shapes.

pub(crate) mod attention;
pub(crate) mod audit;
pub(crate) mod dead_letters;
pub(crate) mod erasures;
pub(crate) mod jobs;
pub(crate) mod observed;
pub(crate) mod overview;
pub(crate) mod resends;
pub(crate) mod search;
pub(crate) mod tenants;

use crate::reference;
use attention::Attention;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::{Allowance, LedgerKey, Pause, Ticks};
use webhooks_store::{Head, Line, Record};

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
    /// The notification's key: hash of its content, a dot, the sender's id.
    id: String,
    event: String,
    channel: String,
    origin: String,
    subscription: String,
    /// retrying, paused, dead, parked, unparseable, superseded or processed.
    state: &'static str,
    /// Why it is retrying, dead or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What its last attempt said, while it is retrying, dead or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    /// The document's status that it told.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The part of the ERP it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// The record with which it goes on, where the settings have come to read it otherwise; this one is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<String>,
    /// The closed record of which this is the continuation.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<String>,
    /// Failed attempts.
    attempts: usize,
    /// Present where a person is asked to look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<Attention>,
    feedback: Feedback,
}

/// What the accountant is told.
#[derive(Debug, Serialize, ToSchema)]
struct Feedback {
    /// none, awaited, queued, sent or parked.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Why Visma Net has not taken it, while it is queued or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What its last try said, while it is queued or parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    /// By when an awaited outcome has to come.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
}

/// A notification with its timeline.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    #[serde(flatten)]
    notification: Notification,
    /// The delivery it came in.
    delivery: String,
    /// Everything that happened to it, in the order of time.
    timeline: Vec<Moment>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Moment {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// received, attempt_failed, parked, paused, a final state, moved, feedback_failed, feedback_sent, feedback_parked, replayed, or an operator's action.
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
    /// The cursor of what follows. Absent at the end; a page may be short, even empty, and the list still go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Of what is listed by time: it was received since then.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    /// And before then.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) to: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Raw {
    /// The exact text of the notification.
    pub(crate) text: String,
}

/// What is known of an account, a customer, an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityView {
    pub(crate) tenant: String,
    pub(crate) entity: &'static str,
    pub(crate) key: String,
    /// Absent where no notification has brought it up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Current>,
    /// The other numbers that a renumbered account has had.
    pub(crate) also: Vec<OtherNumber>,
    /// Newest first, of this number.
    pub(crate) notifications: Vec<Notification>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Current {
    status: Option<String>,
    /// Every status a document was seen in.
    timeline: Vec<StatusAt>,
    deleted: bool,
    /// The ERP has no such resource, though no deletion was announced.
    gone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusAt {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    status: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OtherNumber {
    pub(crate) key: String,
    /// `later` or `earlier`.
    pub(crate) relation: &'static str,
}

/// How many notifications need attention.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    pub(crate) dead: u64,
    pub(crate) parked: u64,
    pub(crate) unparseable: u64,
    pub(crate) feedback_parked: u64,
    /// They wait for a pause to end.
    pub(crate) paused: u64,
    /// They wait for their tenant's quota of calls.
    pub(crate) rate_limited: u64,
    /// Pauses in force.
    pub(crate) pauses: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quotas {
    pub(crate) items: Vec<QuotaView>,
}

/// What waits for a tenant's calls to the ERP, and how long that will take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    tenant: String,
    /// Notifications that wait.
    pub(crate) waiting: u64,
    /// Calls that the ERP allows in an hour.
    calls_per_hour: u64,
    /// The ERP did not tell how many, so the one number that Visma has published is taken.
    is_assumed: bool,
    /// Calls that a notification takes, its feedback included.
    calls_each: u64,
    /// When the window ends that was used up.
    #[serde(with = "time::serde::rfc3339")]
    resets_at: OffsetDateTime,
    /// About when the last of them goes on, if nothing else takes calls.
    #[serde(with = "time::serde::rfc3339")]
    done_at: OffsetDateTime,
}

impl QuotaView {
    pub(crate) fn new(allowance: &Allowance, waiting: u64, now: OffsetDateTime) -> Self {
        Self {
            tenant: allowance.tenant.clone(),
            waiting,
            calls_per_hour: allowance.calls_per_hour(),
            is_assumed: allowance.limit.is_none(),
            calls_each: allowance.calls_each,
            resets_at: allowance.resets_at,
            done_at: allowance.done_at(waiting, now),
        }
    }
}

/// Why an operator does something.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// Kept beside the notification.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

/// The outcome of a notification whose route defers its feedback.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    pub(crate) is_success: bool,
    /// What the accountant reads.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) description: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPause {
    /// Absent for every tenant.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// A pattern over `{entity}.{kind}`, such as `sales_order.*`; `*` for everything.
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z_.*]+$")]
    pub(crate) events: String,
    /// Also a tenant of which nothing has come yet.
    #[serde(default)]
    pub(crate) new_tenant: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
    /// When it ends by itself: later than now, and 30 days ahead at most. Without it a person ends the pause.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) until: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pauses {
    pub(crate) items: Vec<PauseView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PauseView {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    events: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    by: String,
    note: String,
    /// When it ends by itself. Absent where a person ends it.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

impl From<Record> for Notification {
    fn from(record: Record) -> Self {
        let attention = Attention::of(&record);
        let LedgerKey { entity, notification } = &record.key;
        let is_open = record.feedback.is_some_and(|state| ["queued", "parked"].contains(&state.as_str()));
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
                state: record.feedback.map_or("none", |state| state.as_str()),
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
    moments.sort_by_key(|moment| moment.at);
    moments
}

impl From<&Head> for Current {
    fn from(head: &Head) -> Self {
        let at = |(at, status): &(Ticks, String)| StatusAt { at: at.to_datetime(), status: status.clone() };
        Self {
            status: head.status.clone(),
            timeline: head.timeline.iter().map(at).collect(),
            deleted: head.deleted,
            gone: head.gone,
            detail: head.detail.clone(),
            internal_id: head.internal_id.clone(),
        }
    }
}

impl From<Pause> for PauseView {
    fn from(Pause { tenant, events, since, by, note, until }: Pause) -> Self {
        Self { tenant, events, since, by, note, until }
    }
}
