//! Dead letters: described without their bodies, and redriven by a job.

use crate::access::Access;
use crate::audit::Deed;
use crate::body::{self, Json};
use crate::jobs;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Parameters};
use crate::reference;
use crate::route::Asked;
use crate::types::jobs::{JobView, Plan};
use axum::body::Bytes;
use axum::http::StatusCode;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_model::audit::Target;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::job::job_of;
use webhooks_model::notification::NoDirectory;
use webhooks_model::work::{Redrive, Work};
use webhooks_model::{Delivery, LedgerKey, Notification, QueueName, Reason, from_objects};
use webhooks_queue::{DeadLetter as Letter, DeadLetterQueue as _, look};
use webhooks_store::{Record, StoreError};

const USUAL_SAMPLE: u8 = 5;
const LONGEST_SAMPLE: u8 = 20;
const LONGEST_ID: usize = 100;
/// The most notifications of one message that are looked up.
const LOOKED_UP: usize = 10;
/// How long a listed message stays hidden if the function dies before it puts the message back.
const LOOK: Duration = Duration::from_secs(30);
/// Short polls of SQS may miss messages; long polls do not.
const WAIT: Duration = Duration::from_secs(1);

/// Counts the dead letters of each queue and lists some. The messages stay in their queues.
#[utoipa::path(get, path = "/operations/v1/dead-letters", tag = "read", params(
    ("queue" = Option<String>, Query, description = "notifications, feedback, events or repairs; all by default"),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 20, description = "messages per queue; 5 by default")),
    responses((status = 200, body = DeadLetters), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<DeadLetters>, Problem> {
    let parameters = Parameters::new(asked.query, &["queue", "limit"])?;
    let only = parameters.get("queue").map(|name| QueueName::parse(name).ok_or_else(no_queue)).transpose()?;
    let limit = parameters.limit_of(USUAL_SAMPLE, LONGEST_SAMPLE)?;
    let names = QueueName::ALL.into_iter().filter(|name| only.is_none_or(|only| only == *name));
    let queues = try_join_all(names.map(|name| operations.queue(name, limit.into()))).await?;
    Ok(Json(DeadLetters { queues }))
}

/// Shows what a redrive would send, without sending it. The count is approximate, as SQS counts.
#[utoipa::path(post, path = "/operations/v1/dead-letters/{queue}/plans", tag = "repair",
    params(("queue" = String, Path)), request_body = NewRedrive,
    responses((status = 200, body = Plan), Problem))]
pub(crate) async fn plan<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Plan>, Problem> {
    let (redrive, rate, _) = read(&asked.name, &asked.body)?;
    let letters = operations.queue(redrive.queue, LONGEST_SAMPLE.into()).await?;
    let one = redrive.message.is_some();
    let count = if one { letters.waiting.min(1) } else { letters.waiting };
    let is_meant = |id: &str| redrive.message.as_deref().is_none_or(|only| only == id);
    let doomed = letters.sample.iter().filter(|letter| letter.dies_again && is_meant(&letter.id)).count();
    let sample =
        redrive.message.map_or_else(|| letters.sample.into_iter().map(|letter| letter.id).collect(), |id| vec![id]);
    let (seconds, dies_again) = (count.div_ceil(rate.into()), Some(doomed as u64));
    let (at_least, notifications) = (false, vec![]);
    Ok(Json(Plan { count, at_least, seconds, sample, notifications, dies_again, left_out: None }))
}

/// Begins a job that sends one or all dead letters of a queue back to their original queue.
#[utoipa::path(post, path = "/operations/v1/dead-letters/{queue}/redrives", tag = "repair",
    params(("queue" = String, Path)), request_body = NewRedrive,
    responses((status = 202, body = JobView), Problem))]
pub(crate) async fn redrive<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let (redrive, rate, note) = read(&asked.name, &asked.body)?;
    let on = Target { tenant: None, kind: "dead_letters".into(), name: redrive.queue.to_string() };
    let deed = Deed { by: &asked.by, role: Access::Repair, what: "redrive", on };
    let job = operations.new_job(Work::Redrive(redrive), rate, &asked.by, &note);
    operations.audited(deed, operations.begin(&job)).await?;
    Ok((StatusCode::ACCEPTED, Json(job.into())))
}

fn no_queue() -> Problem {
    let known = QueueName::ALL.map(QueueName::as_str).join(", ");
    Problem::invalid("queue", format!("It must be one of {known}."))
}

fn read(queue: &str, body: &Bytes) -> Result<(Redrive, u32, String), Problem> {
    let queue = QueueName::parse(queue).ok_or_else(no_queue)?;
    let new: NewRedrive = body::optional(body)?;
    let is_id = |id: &str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if new.message.as_deref().is_some_and(|id| !is_id(id)) {
        return Err(Problem::invalid("message", "It must be the `id` of a dead letter."));
    }
    let redrive = Redrive { queue, message: new.message, rejected: new.rejected };
    Ok((redrive, jobs::rate(new.rate)?, query::note(&new.note)?.to_owned()))
}

impl<P: Ports> Operations<P> {
    async fn queue(&self, name: QueueName, most: usize) -> Result<DeadLetterQueue, Problem> {
        let queue = self.dead_letters.iter().find(|(own, _)| *own == name).map(|(_, queue)| queue);
        let queue = queue.ok_or_else(no_queue)?;
        let depth = queue.depth().await?;
        // A look waits for as many messages as it is asked for.
        let there = usize::try_from(depth.waiting).unwrap_or(most);
        let read = |letter: &Letter| told(name, &letter.body);
        let letters = if there == 0 { vec![] } else { look(queue, most.min(there), (LOOK, WAIT), read).await? };
        let oldest_sent_at = letters.iter().map(|(letter, _)| letter.sent_at).min();
        let sample = letters.into_iter().map(|(letter, told)| self.letter(name, letter, told));
        let sample = try_join_all(sample).await?;
        Ok(DeadLetterQueue {
            name: name.as_str(),
            waiting: depth.waiting,
            in_flight: depth.in_flight,
            oldest_sent_at,
            sample,
        })
    }
}

/// What the body of the message says.
#[derive(Debug, Default)]
struct Told {
    keys: Vec<LedgerKey>,
    event: Option<String>,
    job: Option<Uuid>,
    understood: bool,
}

fn told(queue: QueueName, body: &str) -> Told {
    match queue {
        QueueName::Notifications => delivery(body),
        QueueName::Feedback => FeedbackMessage::parse(body).ok().map(|message| about(message.notification().clone())),
        QueueName::Events => event(body),
        QueueName::Repairs => job_of(body).map(|job| Told { job: Some(job), understood: true, ..Told::default() }),
    }
    .unwrap_or_default()
}

fn about(key: LedgerKey) -> Told {
    Told { keys: vec![key], understood: true, ..Told::default() }
}

fn delivery(body: &str) -> Option<Told> {
    let delivery = Delivery::from_message(body).ok()?;
    let all = Notification::all_of(&delivery, &NoDirectory);
    let keys = all.iter().take(LOOKED_UP).map(Notification::ledger_key).collect();
    Some(Told { keys, understood: true, ..Told::default() })
}

fn event(body: &str) -> Option<Told> {
    let event: Value = serde_json::from_str(body).ok()?;
    let key: LedgerKey = serde_json::from_value(event["data"]["notification"].clone()).ok()?;
    Some(Told { event: event["type"].as_str().map(str::to_owned), ..about(key) })
}

impl<P: Ports> Operations<P> {
    /// Describes one dead letter. A rejection by the feedback function takes precedence over the
    /// reason in the ledger.
    async fn letter(&self, queue: QueueName, letter: Letter, told: Told) -> Result<DeadLetter, Problem> {
        let (mut records, mut newer): (Vec<Record>, Option<StoreError>) = (vec![], None);
        for key in &told.keys {
            match self.store.record_of(key).await {
                Err(error @ StoreError::Newer(_)) => newer = Some(error),
                record => records.extend(record?),
            }
        }
        self.introduce(&records).await;
        let rejection = |name| letter.attribute(name).map(str::to_owned);
        let (recorded, code) = (records.first(), rejection("rejection_code"));
        // Events are read by the integrator's systems, and we do not know what they refuse.
        let dies_again = code.is_some() || !(told.understood || queue == QueueName::Events);
        let reason = code.unwrap_or_else(|| match recorded {
            _ if !told.understood => "not_understood".to_owned(),
            _ if queue == QueueName::Events => "unconsumed".to_owned(),
            _ if newer.is_some() => Reason::NewerVersion.as_str().to_owned(),
            Some(record) => record.reason.map_or(record.state.as_str(), |reason| reason.as_str()).to_owned(),
            None => "given_up".to_owned(),
        });
        let left = || newer.as_ref().map(ToString::to_string);
        let attempt = || recorded.and_then(|record| record.attempts.last()).map(|line| line.text.clone());
        let detail = rejection("rejection").or_else(left).or_else(attempt).unwrap_or_default();
        Ok(DeadLetter {
            id: letter.id,
            sent_at: letter.sent_at,
            receive_count: letter.receive_count,
            tenant: letter.group.or_else(|| told.keys.first().map(|key| key.entity.tenant.clone())),
            reason,
            detail,
            dies_again,
            notifications: records.into_iter().map(named).collect(),
            event: told.event,
            job: told.job,
        })
    }
}

fn named(record: Record) -> DeadNotification {
    DeadNotification {
        reference: reference::of(&record.key, record.received_at),
        event: record.event,
        state: record.state.as_str(),
        reason: record.reason.map(|reason| reason.as_str()),
    }
}

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
    /// notification in the ledger, or newer_version, unconsumed, not_understood or given_up.
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
