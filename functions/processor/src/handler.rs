//! The interface for business code.

use webhooks_model::feedback::Verdict;
use webhooks_model::{Notification, Resource};

/// Acts on a notification. It may be called again for the same one, so its effects must be
/// idempotent by `notification.key`.
pub trait Handler: Send + Sync {
    /// Returns the text for the accountant, or `None` for the standard sentence.
    ///
    /// # Errors
    /// Says whether to retry later or to park the notification.
    fn handle(
        &self,
        notification: &Notification,
        resource: Option<&Resource>,
    ) -> impl Future<Output = Result<Option<Verdict>, HandlerError>> + Send;
}

/// The texts go to the ledger, which keeps the first 500 bytes of each, and not to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    #[error("{0}")]
    TryLater(String),
    #[error("{0}")]
    NeedsPerson(String),
}

/// Does nothing: consumers act on the events queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acknowledge;

impl Handler for Acknowledge {
    async fn handle(&self, _: &Notification, _: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        Ok(None)
    }
}
