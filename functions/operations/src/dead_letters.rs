//! Dead letters: listed, and redriven by a job.

use crate::access::Access;
use crate::audit::Deed;
use crate::body::{self, Json};
use crate::jobs;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Parameters};
use crate::route::Asked;
use crate::types::dead_letters::{DeadLetterQueue, DeadLetters, NewRedrive};
use crate::types::jobs::{JobView, Plan};
use axum::body::Bytes;
use axum::http::StatusCode;
use futures::future::try_join_all;
use std::time::Duration;
use webhooks_model::QueueName;
use webhooks_model::audit::Target;
use webhooks_model::work::{Redrive, Work};
use webhooks_queue::{DeadLetterQueue as _, look};

const USUAL_SAMPLE: u8 = 5;
const LONGEST_SAMPLE: u8 = 20;
const LONGEST_ID: usize = 100;
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
    Ok(Json(Plan { count, at_least: false, seconds, sample, notifications: vec![], dies_again }))
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
        let letters = if there == 0 { vec![] } else { look(queue, most.min(there), LOOK, WAIT).await? };
        let sample = try_join_all(letters.iter().map(|letter| self.letter(name, letter))).await?;
        let oldest_sent_at = letters.iter().map(|letter| letter.sent_at).min();
        Ok(DeadLetterQueue {
            name: name.as_str(),
            waiting: depth.waiting,
            in_flight: depth.in_flight,
            oldest_sent_at,
            sample,
        })
    }
}
