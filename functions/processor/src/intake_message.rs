//! From a message of the notifications queue to its notifications.

use webhooks_model::delivery::MalformedMessage;
use webhooks_model::notification::Directory;
use webhooks_model::{Delivery, Notification};

/// # Errors
/// The message was not written by intake.
pub(crate) fn read(message: &str, directory: &impl Directory) -> Result<Vec<Notification>, MalformedMessage> {
    let delivery = Delivery::from_message(message)?;
    Ok(match delivery.items() {
        Some(items) => items.into_iter().map(|item| Notification::read(&delivery, item, directory)).collect(),
        None => vec![Notification::unparseable(&delivery, &String::from_utf8_lossy(&delivery.body))],
    })
}
