//! One feedback under the ids it may be known by.

use uuid::Uuid;
use webhooks_model::feedback::{Address, Verdict};
use webhooks_settings as settings;
use webhooks_visma::{Feedback, Visma, VismaError};

/// At most two ids are tried: the one the settings prefer and the other
/// (docs/visma-net.md#notification-feedback).
const TRIES: usize = 2;

/// Returns the id it was taken under.
///
/// # Errors
/// Of the last id tried. A refusal of both is [`VismaError::Refused`].
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
