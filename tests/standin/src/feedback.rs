//! The notification feedback endpoint (docs/visma-net.md#notification-feedback).

use axum::{Extension, Json, body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{clock, gate::Caller, message::Feedback, refusal::Refusal, world::Shared};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    notification_id: Option<String>,
    source: Option<String>,
    description: Option<String>,
    is_success: Option<bool>,
}

/// Answers 201 for a notification of the caller's tenant. The refusals are assumptions, since none
/// are documented.
pub(crate) async fn receive(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body: Body = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("The body cannot be read: {error}")))?;
    let id = body.notification_id.unwrap_or_default();
    let notification_id: Uuid =
        id.parse().map_err(|_| Refusal::bad_request(format!("notificationId '{id}' is not a UUID.")))?;
    let feedback = Feedback {
        at: clock::now(),
        notification_id,
        source: body.source,
        description: body.description,
        is_success: body.is_success,
    };
    if world.company(caller.0, |company| company.accept_feedback(feedback))? {
        Ok((StatusCode::CREATED, Json(json!({}))))
    } else {
        Err(Refusal::not_found(format!("Notification {notification_id} was not found.")))
    }
}
