//! The answer to Visma Net: what the ledger records of it, and one answer for several items of a
//! delivery with the same id of Visma Net.

use crate::failure::Failure;
use crate::ports::{Needs, Ports, Processor};
use crate::sentences;
use time::OffsetDateTime;
use webhooks_batch::Received;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackMode, FeedbackState, Verdict};
use webhooks_model::{Language, Notification, Origin, SenderId, State};
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

impl<P: Ports> Processor<P> {
    /// Decides each such answer once all items under its id have ended. It reads this from the
    /// ledger, so a repeated attempt decides the same. Returns the reason to retry the message, if
    /// any.
    pub(crate) async fn answer_together(
        &self,
        all: &[Notification],
        settings: &Settings,
        received: &Received,
    ) -> Option<Needs> {
        let mut failed = None;
        for first in all.iter().filter(|n| n.answer == AnswerRole::ForAll && n.origin != Origin::Replay) {
            let is_automatic = settings.route(first.entity, first.kind).feedback == FeedbackMode::Automatic;
            let language = settings.language(first.tenant.as_deref());
            if is_automatic && let Err(failure) = self.answer_for(first, all, language, received).await {
                tracing::error!(error = failure.detail, "items under one id could not be answered: {}", failure.detail);
                failed = Some(Needs::Again(failure.next, received.receive_count));
            }
        }
        failed
    }

    async fn answer_for(
        &self,
        first: &Notification,
        all: &[Notification],
        language: Language,
        received: &Received,
    ) -> Result<(), Failure> {
        let id = first.sender_id().and_then(SenderId::uuid);
        let is_awaited = self.ledger.look(&first.ledger_key()).await?.same;
        if is_awaited.and_then(|known| known.feedback) != Some(FeedbackState::Awaited) {
            return Ok(());
        }
        let (mut count, mut successes) = (0, 0);
        for n in all.iter().filter(|n| n.sender_id().and_then(SenderId::uuid) == id) {
            let known = self.ledger.look(&n.ledger_key()).await?.same;
            let state = known.and_then(|known| known.state);
            if !state.is_some_and(State::is_end) {
                return Ok(());
            }
            count += 1;
            let is_done = matches!(state, Some(State::Processed | State::Superseded));
            successes += usize::from(is_done && known.and_then(|known| known.is_success) != Some(false));
        }
        let verdict = sentences::together(count, successes, language);
        let outcome = FeedbackMessage::Outcome { notification: first.ledger_key(), verdict };
        let body = serde_json::to_string(&outcome).expect("names, ids and text always serialise");
        self.send(&self.feedback, first, received, body).await
    }
}
