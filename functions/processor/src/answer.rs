//! The answer to Visma Net, as the ledger records it.

use time::OffsetDateTime;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Notification, Origin};
use webhooks_settings::{FeedbackId, Settings};
use webhooks_store::Answering;

pub(crate) fn address(n: &Notification, settings: &Settings) -> Address {
    Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst)
}

/// For one of several items under one id, keeps the verdict until the answer of all.
pub(crate) fn automatic(n: &Notification, address: Address, verdict: Verdict, deadline: OffsetDateTime) -> Answering {
    match n.answer {
        AnswerRole::ByFirst => not_answered(n, address, verdict),
        AnswerRole::ForAll if n.origin != Origin::Replay => awaited(address, Some(verdict), deadline),
        AnswerRole::ForAll | AnswerRole::Own => {
            Answering { feedback: FeedbackState::Queued, address, verdict: Some(verdict), deadline: None }
        }
    }
}

pub(crate) fn not_answered(n: &Notification, address: Address, verdict: Verdict) -> Answering {
    let verdict = Some(verdict).filter(|_| n.answer == AnswerRole::ByFirst);
    Answering { address, verdict, ..Answering::none() }
}

pub(crate) fn awaited(address: Address, verdict: Option<Verdict>, deadline: OffsetDateTime) -> Answering {
    Answering { feedback: FeedbackState::Awaited, address, verdict, deadline: Some(deadline) }
}
