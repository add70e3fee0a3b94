//! Why an attempt failed.

use crate::handler::HandlerError;
use std::fmt;
use webhooks_model::Reason;
use webhooks_model::retry::Next;
use webhooks_queue::QueueError;
use webhooks_settings::LoadError;
use webhooks_store::StoreError;
use webhooks_visma::VismaError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub next: Next,
    /// Text for the ledger.
    pub detail: String,
}

impl Failure {
    pub fn parked(reason: Reason) -> Self {
        Self { next: Next::Park(reason), detail: String::new() }
    }

    pub fn panicked() -> Self {
        Self { next: Next::Bug, detail: "the code panicked; the log has the place".into() }
    }

    pub fn timed_out() -> Self {
        Self { next: Next::unavailable(), detail: "the attempt took too long".into() }
    }

    fn new(next: Next, error: &impl fmt::Display) -> Self {
        Self { next, detail: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.next(), &error)
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::new(error.next(), &error)
    }
}

impl From<VismaError> for Failure {
    fn from(error: VismaError) -> Self {
        Self::new(error.next(), &error)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::new(Next::unavailable(), &error)
    }
}

impl From<HandlerError> for Failure {
    fn from(error: HandlerError) -> Self {
        let next = match &error {
            HandlerError::TryLater(_) => Next::unavailable(),
            HandlerError::NeedsPerson(_) => Next::Park(Reason::HandlerRefused),
        };
        Self::new(next, &error)
    }
}
