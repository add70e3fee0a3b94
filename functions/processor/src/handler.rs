//! Where business code is put in.

use webhooks_model::feedback::Verdict;
use webhooks_model::{Notification, Resource};

/// Acts on a notification. May be called again for the same one, so its effects must be idempotent by `notification.key`.
pub trait Handler: Send + Sync {
    /// What the accountant should read; `None` for the standard sentence.
    ///
    /// # Errors
    /// Whether to try again later or to leave it to a person.
    fn handle(
        &self,
        notification: &Notification,
        resource: Option<&Resource>,
    ) -> impl Future<Output = Result<Option<Verdict>, HandlerError>> + Send;
}

/// The texts go to the ledger for a person to read, and not to the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    #[error("{0}")]
    TryLater(String),
    #[error("{0}")]
    NeedsPerson(String),
}

/// No business code: consumers act on the events queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acknowledge;

impl Handler for Acknowledge {
    async fn handle(&self, _: &Notification, _: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        Ok(None)
    }
}
