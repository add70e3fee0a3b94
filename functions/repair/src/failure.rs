//! The reasons why a slice fails.

use std::fmt;
use webhooks_model::retry::Next;
use webhooks_queue::QueueError;
use webhooks_store::StoreError;

#[derive(Debug)]
pub(crate) enum Failure {
    Store(StoreError),
    Queue(QueueError),
    /// A job that this version of the function does not know.
    Unknown,
}

impl Failure {
    pub(crate) fn next(&self) -> Next {
        match self {
            Self::Store(error) => error.next(),
            Self::Queue(error) => error.next(),
            Self::Unknown => Next::Bug,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Queue(error) => error.fmt(f),
            Self::Unknown => f.write_str("the job's position cannot be read"),
        }
    }
}
