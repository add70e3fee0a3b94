//! Actions on one notification.

use crate::access::Access;
use crate::audit::{Deed as Audited, on_notification};
use crate::body;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query;
use crate::reference::unknown;
use crate::route::Asked;
use axum::http::StatusCode;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::feedback::{Description, FeedbackMessage, Verdict};
use webhooks_model::{Delivery, LedgerKey, from_objects};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Action, Attention, Deed, Line, Record, StoreError};

/// Gives a notification to the processor again.
///
/// A notification that has ended keeps its state and its feedback.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/replay", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Note, responses((status = 202), Problem))]
pub(crate) async fn replay<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    operations.noted(asked, Deed::Replay, |_| Next::Processor).await
}

/// Holds a notification: no further attempt is made until it is released.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/hold", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Note, responses((status = 204), Problem))]
pub(crate) async fn hold<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    operations.noted(asked, Deed::Hold, |_| Next::Nothing).await
}

/// Releases a held or paused notification, so that it continues.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/release", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Note, responses((status = 202), Problem))]
pub(crate) async fn release<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    operations.noted(asked, Deed::Release, |_| Next::Processor).await
}

/// Resends feedback that is parked or stuck. It never resends feedback that Visma Net accepted.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/feedback", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Note, responses((status = 202), Problem))]
pub(crate) async fn resend<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let feedback = |key: &LedgerKey| Next::Feedback(FeedbackMessage::Feedback { notification: key.clone() });
    operations.noted(asked, Deed::ResendFeedback, feedback).await
}

/// Sets the outcome of a notification whose feedback is deferred.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/outcome", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Outcome, responses((status = 202), Problem))]
pub(crate) async fn outcome<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let key = operations.named(&asked.name).await?;
    let outcome: Outcome = body::required(&asked.body)?;
    let description = Description::new(query::note(&outcome.description)?);
    if description.as_str().is_empty() {
        return Err(Problem::invalid("description", "Write a sentence for the accountant."));
    }
    let note = description.as_str().to_owned();
    let verdict = Verdict { is_success: outcome.is_success, description };
    let message = FeedbackMessage::Outcome { notification: key.clone(), verdict };
    operations.repair(&key, Deed::Outcome, &asked.by, &note, Next::Feedback(message)).await
}

/// Removes a notification from the attention list and its counts until it changes again.
#[utoipa::path(post, path = "/operations/v1/notifications/{ref}/acknowledgement", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Acknowledgement, responses((status = 204), Problem))]
pub(crate) async fn acknowledge<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let key = operations.named(&asked.name).await?;
    let Acknowledgement { note, seen_at } = body::optional(&asked.body)?;
    let Some(Attention { kind, changed_at, is_acknowledged: false }) = operations.attention_of(&key).await? else {
        return Err(Problem::conflict("not_in_attention", "It does not need attention, or is acknowledged already."));
    };
    if seen_at.is_some_and(|seen| seen < changed_at) {
        return Err(has_changed());
    }
    operations.repair(&key, Deed::Acknowledge { kind, changed_at }, &asked.by, &note, Next::Nothing).await
}

/// Withdraws an acknowledgement, so that the notification needs attention again.
#[utoipa::path(delete, path = "/operations/v1/notifications/{ref}/acknowledgement", tag = "repair",
    params(("ref" = String, Path, max_length = 2048)),
    request_body = Note, responses((status = 204), Problem))]
pub(crate) async fn unacknowledge<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let key = operations.named(&asked.name).await?;
    let Note { note } = body::optional(&asked.body)?;
    let Some(Attention { kind, is_acknowledged: true, .. }) = operations.attention_of(&key).await? else {
        return Err(Problem::conflict("not_acknowledged", "It is not acknowledged, or it has changed since."));
    };
    operations.repair(&key, Deed::Unacknowledge { kind }, &asked.by, &note, Next::Nothing).await
}

/// Whether the line tells of this action. The table keeps milliseconds.
fn is_about(line: &Line, action: &Action<'_>) -> bool {
    let is_its_time = (action.at - line.at).whole_milliseconds() == 0;
    let told = (line.what.as_str(), line.text.as_str(), line.by.as_deref());
    is_its_time && told == (action.deed.as_str(), action.note, Some(action.by))
}

fn is_about_feedback(deed: Deed) -> bool {
    matches!(deed, Deed::ResendFeedback | Deed::ResendParked | Deed::Outcome)
}

fn has_changed() -> Problem {
    Problem::conflict("has_changed", "It has changed since you looked. Read it again, then decide.")
}

/// Where the notification goes after the action is recorded.
enum Next {
    Nothing,
    Processor,
    Feedback(FeedbackMessage),
}

impl<P: Ports> Operations<P> {
    async fn attention_of(&self, key: &LedgerKey) -> Result<Option<Attention>, Problem> {
        Ok(self.store.record_of(key).await?.ok_or_else(unknown)?.attention)
    }

    /// An action whose body has nothing but an optional note.
    async fn noted(&self, asked: Asked, deed: Deed, next: fn(&LedgerKey) -> Next) -> Result<StatusCode, Problem> {
        let key = self.named(&asked.name).await?;
        let note: Note = body::optional(&asked.body)?;
        self.repair(&key, deed, &asked.by, &note.note, next(&key)).await
    }

    async fn repair(
        &self,
        key: &LedgerKey,
        deed: Deed,
        by: &str,
        note: &str,
        next: Next,
    ) -> Result<StatusCode, Problem> {
        let note = query::note(note)?;
        let audited = Audited { by, role: Access::Repair, what: deed.as_str(), on: on_notification(key) };
        let done = async {
            // Read first, so that nothing is recorded about one that only a newer version can send.
            let delivery = match next {
                Next::Processor => self.store.replay(key).await?,
                Next::Nothing | Next::Feedback(_) => None,
            };
            self.act(key, deed, by, note).await?;
            match next {
                Next::Nothing => Ok(StatusCode::NO_CONTENT),
                Next::Processor => self.hand_on(key, &delivery.ok_or_else(unknown)?).await,
                Next::Feedback(message) => self.queue_feedback(message).await,
            }
        };
        self.audited(audited, done).await
    }

    /// Records the action before anything else happens, so that no action is unrecorded.
    async fn act(&self, key: &LedgerKey, deed: Deed, by: &str, note: &str) -> Result<(), Problem> {
        let action = Action { deed, at: self.host.now(), by, note };
        if self.store.act(key, action).await? {
            return Ok(());
        }
        match self.store.record_of(key).await? {
            None => Err(unknown()),
            // If an answer is lost, the SDK sends the write again, which is refused because of the
            // first.
            Some(record) if record.actions.iter().any(|one| is_about(one, &action)) => Ok(()),
            Some(Record { newer_feedback: Some(_), .. }) if is_about_feedback(deed) => {
                Err(StoreError::Newer("the feedback").into())
            }
            Some(_) => Err(match deed {
                Deed::Replay => {
                    Problem::conflict("not_replayable", "Its record is incomplete, or it continues under another key.")
                }
                Deed::Hold => Problem::conflict("has_ended", "It has ended, so it cannot be held."),
                Deed::Release => Problem::conflict("not_held", "It is neither held nor paused."),
                Deed::ResendFeedback | Deed::ResendParked => {
                    Problem::conflict("feedback_not_open", "It has no parked or queued feedback.")
                }
                Deed::Outcome => Problem::conflict(
                    "not_deferred",
                    "No outcome is awaited. Feedback that is queued or parked can be resent.",
                ),
                Deed::Acknowledge { .. } | Deed::Unacknowledge { .. } => has_changed(),
            }),
        }
    }

    async fn hand_on(&self, key: &LedgerKey, delivery: &Delivery) -> Result<StatusCode, Problem> {
        let group = Some(key.entity.tenant.as_str());
        self.notifications.send(Message { body: delivery.to_message(), group, attributes: &[], trace: None }).await?;
        Ok(StatusCode::ACCEPTED)
    }

    async fn queue_feedback(&self, message: FeedbackMessage) -> Result<StatusCode, Problem> {
        let body = serde_json::to_string(&message).expect("names and texts always serialise");
        let group = Some(message.notification().entity.tenant.as_str());
        self.feedback.send(Message { body, group, attributes: &[], trace: None }).await?;
        Ok(StatusCode::ACCEPTED)
    }
}

/// The reason for an operator's action.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Note {
    /// Shown in the notification's timeline.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

/// The outcome of a notification whose route defers its feedback.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Outcome {
    pub(crate) is_success: bool,
    /// The sentence that the accountant reads.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) description: String,
}

/// An operator's confirmation that they have seen the problem.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Acknowledgement {
    /// Shown in the notification's timeline.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
    /// When the operator looked, such as `attention.changed_at`. If the notification has changed
    /// since, the request is refused.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) seen_at: Option<OffsetDateTime>,
}

from_objects!(Note, Outcome, Acknowledgement);
