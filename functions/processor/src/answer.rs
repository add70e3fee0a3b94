//! What the ledger records of the answer to Visma Net.

use time::OffsetDateTime;
use webhooks_model::Notification;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_settings::{FeedbackId, Settings};
use webhooks_store::Answering;

pub(crate) fn address(n: &Notification, settings: &Settings) -> Address {
    Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst)
}

/// For an answer that waits for nothing.
pub(crate) fn decided(address: Address, verdict: Verdict) -> Answering {
    Answering { feedback: FeedbackState::Queued, address, verdict: Some(verdict), deadline: None }
}

pub(crate) fn awaited(address: Address, verdict: Option<Verdict>, deadline: OffsetDateTime) -> Answering {
    Answering { feedback: FeedbackState::Awaited, address, verdict, deadline: Some(deadline) }
}
