//! From a message of the notifications queue to its notifications.

use webhooks_model::delivery::MalformedMessage;
use webhooks_model::notification::Directory;
use webhooks_model::{Delivery, Notification};

/// # Errors
/// The message was not written by intake.
pub(crate) fn read(message: &str, directory: &impl Directory) -> Result<Vec<Notification>, MalformedMessage> {
    Ok(Notification::all_of(&Delivery::from_message(message)?, directory))
}
