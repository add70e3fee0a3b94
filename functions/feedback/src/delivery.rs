//! Delivers one feedback under the ids that Visma Net may know.

use uuid::Uuid;
use webhooks_model::feedback::{Address, Verdict};
use webhooks_settings as settings;
use webhooks_visma::{Feedback, Visma, VismaError};

/// Tries at most two ids: the preferred one and the other
/// (docs/visma-net.md#notification-feedback).
const TRIES: usize = 2;

/// Returns the id under which Visma Net accepted it.
///
/// # Errors
/// The error of the last id. If both were refused, it is [`VismaError::Refused`].
pub(crate) async fn deliver(
    client: &impl Visma,
    visma: &settings::Visma,
    tenant: &str,
    address: &Address,
    verdict: &Verdict,
) -> Result<Uuid, VismaError> {
    let source = address.source.as_deref().unwrap_or(&visma.application_name);
    let mut refused = VismaError::Refused { status: 404 };
    for id in address.ids.iter().take(TRIES).copied() {
        let description = verdict.description.as_str();
        let feedback = Feedback { notification_id: id, source, description, is_success: verdict.is_success };
        match client.send_feedback(visma, tenant, &feedback).await {
            Ok(()) => return Ok(id),
            Err(error @ VismaError::Refused { .. }) => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}
