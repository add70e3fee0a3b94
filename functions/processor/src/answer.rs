//! What the ledger records of the answer to Visma Net.

use time::OffsetDateTime;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Notification, Origin};
use webhooks_settings::{FeedbackId, Settings};
use webhooks_store::{Answering, Known};

pub(crate) fn address(n: &Notification, settings: &Settings) -> Address {
    Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst)
}

/// For one of several items under one id, keeps the verdict until the answer of all.
/// A replay has only one of them, so it waits for the others only if its record names them.
pub(crate) fn automatic(
    n: &Notification,
    known: Known,
    address: Address,
    verdict: Verdict,
    deadline: OffsetDateTime,
) -> Answering {
    let waits = n.origin != Origin::Replay || known.waits_together;
    match n.answer {
        AnswerRole::ForAll if waits => awaited(address, Some(verdict), deadline),
        _ => decided(address, verdict),
    }
}

/// For an answer that waits for nothing.
pub(crate) fn decided(address: Address, verdict: Verdict) -> Answering {
    Answering { feedback: FeedbackState::Queued, address, verdict: Some(verdict), deadline: None }
}

pub(crate) fn not_answered(n: &Notification, address: Address, verdict: Verdict) -> Answering {
    let verdict = Some(verdict).filter(|_| n.answer == AnswerRole::ByFirst);
    Answering { address, verdict, ..Answering::none() }
}

pub(crate) fn awaited(address: Address, verdict: Option<Verdict>, deadline: OffsetDateTime) -> Answering {
    Answering { feedback: FeedbackState::Awaited, address, verdict, deadline: Some(deadline) }
}
