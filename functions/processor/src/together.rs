//! Decides one answer for several items of a delivery with the same id of Visma Net.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::processor::{Needs, Processor};
use crate::sentences;
use webhooks_batch::Received;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{FeedbackMessage, FeedbackMode, FeedbackState};
use webhooks_model::{Language, Notification, Origin, SenderId, State};
use webhooks_settings::Settings;

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
