//! What becomes of a failed attempt.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::processor::Processor;
use crate::sentences;
use crate::steps::{address, automatic};
use std::time::Duration;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::feedback::FeedbackMode;
use webhooks_model::ledger::Attempt;
use webhooks_model::notification::NoDirectory;
use webhooks_model::retry::{self, Next};
use webhooks_model::{Notification, Reason};
use webhooks_settings::Settings;
use webhooks_store::Change;

impl<P: Ports> Processor<P> {
    /// Writes a failure down. `Some` when the message has to come again.
    pub(crate) async fn settle(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        failure: Failure,
    ) -> Option<Next> {
        let reason = failure.next.reason();
        if let Next::Park(reason) = failure.next {
            tracing::warn!(reason = reason.as_str(), "parked: {reason}");
            return match self.record(n, Change::Parked(reason)).await {
                Ok(_) => {
                    self.count(n, Metric::Parked { reason: reason.as_str() });
                    None
                }
                Err(unwritten) => {
                    self.count_failure(n.tenant.as_deref(), received, unwritten.next.reason());
                    Some(self.unwritten(&unwritten))
                }
            };
        }
        self.count_failure(n.tenant.as_deref(), received, reason);
        let last = self.limits.is_last(received.receive_count);
        if !last {
            tracing::warn!(
                reason = reason.as_str(),
                receive_count = received.receive_count,
                "will be retried: {reason}"
            );
            let change = Change::Failed(self.line(received, reason, &failure.detail));
            return self.write_failure(n, change, failure.next).await;
        }
        tracing::error!(reason = reason.as_str(), receive_count = received.receive_count, "dead: {reason}");
        let address = address(n, settings);
        let wanted = settings.route(n.entity, n.kind).feedback != FeedbackMode::None && n.tenant.is_some();
        let answer = (wanted && !address.ids.is_empty()).then(|| automatic(address, sentences::dead(n)));
        let is_answered = answer.is_some();
        let next = self
            .write_failure(
                n,
                Change::Dead { attempt: self.line(received, reason, &failure.detail), answer },
                failure.next,
            )
            .await;
        // The death stands, in sight, even if the accountant is not told of it.
        if is_answered && next.is_some() && self.queue_feedback(n, received).await.is_err() {
            tracing::error!("the feedback about a dead notification could not be queued");
        }
        next
    }

    /// Nothing can be written down: aliases and company numbers are in the settings, so under which key is not known. What has used up its
    /// attempts lies in the dead-letter queue, in sight, and a redrive finds or makes its one record.
    pub(crate) fn without_settings(&self, received: &Received, failure: &Failure) -> Outcome {
        let notifications = Notification::all_in(&received.body, &NoDirectory).unwrap_or_default();
        for n in &notifications {
            self.count_failure(n.tenant.as_deref(), received, failure.next.reason());
        }
        if self.limits.is_last(received.receive_count) {
            tracing::error!(
                receive_count = received.receive_count,
                "dead without settings: the dead-letter queue has it"
            );
        }
        self.again(failure.next, received)
    }

    async fn write_failure(&self, n: &Notification, change: Change, next: Next) -> Option<Next> {
        match self.record(n, change).await {
            // Not written when the end was: then the next attempt makes sure that the feedback is on its way.
            Ok(_) => Some(next),
            Err(unwritten) => Some(self.unwritten(&unwritten)),
        }
    }

    fn unwritten(&self, failure: &Failure) -> Next {
        tracing::error!(error = failure.detail, "the ledger could not be written: {}", failure.detail);
        failure.next
    }

    pub(crate) fn line(&self, received: &Received, reason: Reason, detail: &str) -> Attempt {
        Attempt { at: self.host.now(), receive_count: received.receive_count, reason, detail: detail.to_owned() }
    }

    pub(crate) fn again(&self, next: Next, received: &Received) -> Outcome {
        let after = match next {
            // Handed out once more, SQS moves it to the dead-letter queue.
            _ if self.limits.is_last(received.receive_count) => return Outcome::Again { wait: Duration::ZERO },
            Next::Retry { after, .. } => after,
            Next::Park(_) | Next::Bug => None,
        };
        Outcome::Again { wait: retry::wait(after, received.receive_count, self.limits.retry_base, self.host.random()) }
    }
}
