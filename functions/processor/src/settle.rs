//! Decides what becomes of a failed attempt.

use crate::admission::is_understood;
use crate::answer::{address, decided};
use crate::failure::Failure;
use crate::ports::{Needs, Ports, Processor};
use crate::sentences;
use std::time::Duration;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{FeedbackMode, FeedbackState};
use webhooks_model::notification::NoDirectory;
use webhooks_model::resource_path::Api;
use webhooks_model::retry::{self, Next};
use webhooks_model::{Notification, Reason, ResourcePath};
use webhooks_queue::{Message, Sender};
use webhooks_settings::Settings;
use webhooks_store::{Answering, Change, Known, Seen};
use webhooks_visma::{Stage, VismaError};

/// How often a notification that leaves no result gets a new message. After that, it may be the
/// cause of the crashes.
const MOST_BEGINNINGS: u32 = 3;

impl<P: Ports> Processor<P> {
    /// Records a failure and returns what comes next. `known` is the ledger's state before this
    /// attempt, or `None` if it was not read.
    pub(crate) async fn settle(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        known: Option<Known>,
        failure: Failure,
    ) -> Needs {
        // Receipts without an attempt do not make the wait longer.
        let tries = known.map_or(u32::MAX, |known| known.attempts.failed + 1).min(received.receive_count);
        let known = known.unwrap_or_default();
        let reason = failure.next.reason();
        let last = self.limits.is_last(received.receive_count);
        match failure.next {
            Next::Park(reason) => return self.park(n, received, reason, &failure.detail).await,
            Next::Retry { reason: Reason::RateLimited, after } => {
                return self.out_of_calls(n, settings, received, (known, &failure, after)).await;
            }
            Next::Retry { reason: Reason::NewerVersion, .. } => {
                return self.leave_to_newer_version(n, received, &failure);
            }
            // In none of the attempts did the ERP accept a token from Visma Connect.
            Next::Retry { reason: Reason::TokenRefused, .. } if last && known.attempts.are_refused() => {
                let api = n.path.as_ref().map_or(Api::Finance, ResourcePath::api);
                let error = VismaError::each_token_refused(api, Stage::Resource);
                return self.park(n, received, error.next().reason(), &error.to_string()).await;
            }
            _ => {}
        }
        self.count_failure(n.tenant.as_deref(), last, reason);
        if !last {
            tracing::warn!(
                reason = reason.as_str(),
                receive_count = received.receive_count,
                "will be retried: {reason}"
            );
            let change = Change::Failed(self.line(received, reason, &failure.detail));
            return self.write_failure(n, received, change, (failure.next, tries)).await;
        }
        tracing::error!(reason = reason.as_str(), receive_count = received.receive_count, "dead: {reason}");
        let answer = self.answer_of_dead(n, settings, known).await.unwrap_or_else(|unread| {
            tracing::error!(
                error = unread.detail,
                "dead without an answer, as an earlier one is unread: {}",
                unread.detail
            );
            None
        });
        let is_answered = answer.as_ref().is_some_and(|answer| answer.feedback == FeedbackState::Queued);
        let attempt = self.line(received, reason, &failure.detail);
        let recorded = self.record(n, Change::Dead { attempt, answer }).await;
        // The record stays dead and visible even if the accountant is not told. A paused one waits
        // for another message.
        let is_dead = !matches!(recorded, Ok(false));
        if is_answered && is_dead && self.queue_feedback(n, received).await.is_err() {
            tracing::error!("the feedback about a dead notification could not be queued");
        }
        self.after_failure(recorded, received, (failure.next, tries))
    }

    /// `None` if it stays open whether there will be an answer.
    async fn answer_of_dead(
        &self,
        n: &Notification,
        settings: &Settings,
        known: Known,
    ) -> Result<Option<Answering>, Failure> {
        let is_told_elsewhere = match known.feedback {
            None => n.answer == AnswerRole::ByFirst || self.is_answered_elsewhere(n, known).await?,
            Some(feedback) => feedback == FeedbackState::None,
        };
        if is_told_elsewhere {
            return Ok(Some(Answering::none()));
        }
        let address = address(n, settings);
        // Otherwise it would be parked without an answer. It may have been processed and answered
        // already, under an alias that the settings have lost.
        let wanted = is_understood(n) && settings.route(n.entity, n.kind).feedback != FeedbackMode::None;
        let verdict = sentences::dead(n, settings.language(n.tenant.as_deref()));
        // It does not wait for other items under its id: its mark says that it is dead, so nothing would
        // watch the deadline.
        Ok((wanted && !address.ids.is_empty()).then(|| decided(address, verdict)))
    }

    /// The record stays as it is. The message comes again, and at last is in the dead-letter queue.
    fn leave_to_newer_version(&self, n: &Notification, received: &Received, failure: &Failure) -> Needs {
        let (next, receive_count) = (failure.next, received.receive_count);
        let (last, reason) = (self.limits.is_last(receive_count), next.reason());
        self.count_failure(n.tenant.as_deref(), last, reason);
        if last {
            tracing::error!(
                reason = reason.as_str(),
                receive_count,
                "dead, with its record as it was: {}",
                failure.detail
            );
        } else {
            tracing::warn!(reason = reason.as_str(), receive_count, "will be retried: {}", failure.detail);
        }
        Needs::Again(next, receive_count)
    }

    async fn park(&self, n: &Notification, received: &Received, reason: Reason, detail: &str) -> Needs {
        tracing::warn!(reason = reason.as_str(), "parked: {reason}");
        let change = match detail {
            "" => Change::Parked(reason),
            detail => Change::ParkedAfter(self.line(received, reason, detail)),
        };
        match self.record(n, change).await {
            Ok(_) => {
                self.count(n, Metric::Parked { reason: reason.as_str() });
                Needs::Nothing
            }
            Err(unwritten) => {
                let last = self.limits.is_last(received.receive_count);
                self.count_failure(n.tenant.as_deref(), last, unwritten.next.reason());
                self.unwritten(&unwritten, received)
            }
        }
    }

    async fn write_failure(&self, n: &Notification, received: &Received, change: Change, next: (Next, u32)) -> Needs {
        let recorded = self.record(n, change).await;
        self.after_failure(recorded, received, next)
    }

    fn after_failure(&self, recorded: Result<bool, Failure>, received: &Received, (next, tries): (Next, u32)) -> Needs {
        match recorded {
            // It was not recorded with the end, so the next attempt checks that the feedback is
            // queued.
            Ok(_) => Needs::Again(next, tries),
            Err(unwritten) => self.unwritten(&unwritten, received),
        }
    }

    /// Prepares an attempt at a message that the queue will not deliver again. If the ledger has
    /// enough attempts, this one is recorded as dead first, so that it leaves a trace even if it is
    /// killed. Otherwise the earlier receipts belong to attempts that never ran or were killed. It
    /// then returns `false`, and a new message replaces this one.
    pub(crate) async fn begin_last(&self, n: &Notification, seen: &Seen, received: &Received) -> Result<bool, Failure> {
        let known = seen.same.unwrap_or_default().attempts;
        let is_tried = known.failed + 1 >= self.limits.max_receive_count || known.lost >= MOST_BEGINNINGS;
        let is_last = is_tried || known.is_full;
        let change = if is_last {
            let lost = self.line(received, Reason::Lost, "the last attempt started and left no result");
            Change::Dead { attempt: lost, answer: None }
        } else {
            tracing::warn!(reason = Reason::Lost.as_str(), "sent as a new message: few attempts left a result");
            Change::Failed(self.line(received, Reason::Lost, "delivered without an attempt: throttled or killed"))
        };
        self.record(n, change).await?;
        Ok(is_last)
    }

    /// Sends the same content as a new message. SQS counts its receipts from zero. If the function
    /// dies after sending, both messages continue, and the ledger recognises them as one
    /// notification.
    pub(crate) async fn begin_anew(&self, received: &Received, group: Option<&str>) -> Outcome {
        let trace = received.trace.as_ref();
        let fresh = Message { body: received.body.clone(), group, attributes: &[], trace };
        match self.notifications.send(fresh).await {
            Ok(()) => Outcome::Done,
            Err(error) => {
                tracing::error!(error = %error, "a message delivered too often could not be replaced: {error}");
                Outcome::Again { wait: Duration::ZERO }
            }
        }
    }

    /// Handles a notification that must not be recorded. Without settings its key is unknown, since
    /// aliases and company numbers are there. Without the erasures it may be one to forget, and
    /// without its earlier record it would get a second one. After its last attempt it is in the
    /// dead-letter queue, and a redrive finds or makes its only record.
    pub(crate) fn unrecorded(&self, received: &Received, failure: &Failure) -> Outcome {
        let notifications = Notification::all_in(&received.body, &NoDirectory).unwrap_or_default();
        for n in &notifications {
            let last = self.limits.is_last(received.receive_count);
            self.count_failure(n.tenant.as_deref(), last, failure.next.reason());
        }
        if self.limits.is_last(received.receive_count) {
            tracing::error!(
                receive_count = received.receive_count,
                "dead without a record: the dead-letter queue has it"
            );
        }
        self.again(failure.next, received.receive_count, received)
    }

    pub(crate) fn again(&self, next: Next, tries: u32, received: &Received) -> Outcome {
        if self.limits.is_last(received.receive_count) {
            // SQS moves it to the dead-letter queue at the next receipt.
            return Outcome::Again { wait: Duration::ZERO };
        }
        Outcome::Again { wait: retry::wait(next, tries, self.limits.retry_base, self.host.random()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::{meta, notification_of};
    use time::OffsetDateTime;
    use webhooks_model::delivery::Meta;

    #[test]
    fn only_the_death_of_a_notification_that_could_be_processed_is_answered() {
        for (body, is_answered) in [
            (r#"{"event": "ACCOUNT_CHANGED", "accountCd": "1"}"#, true),
            (r#"{"event": "SOMETHING_NEW", "accountCd": "1"}"#, false),
            (r#"{"event": "ACCOUNT_CHANGED"}"#, false),
            ("not JSON", false),
        ] {
            let meta = Meta { tenant: Some("t-1".to_owned()), ..meta(OffsetDateTime::UNIX_EPOCH) };
            let n = notification_of(meta, body);
            assert_eq!(is_understood(&n), is_answered, "{body}");
        }
    }
}
