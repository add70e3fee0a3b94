//! The effects that several steps have: what the ledger records, messages for other queues, and
//! metrics.

use crate::failure::Failure;
use crate::ports::{Needs, Ports, Processor};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Notification, Reason, State};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Change, Entry};

impl<P: Ports> Processor<P> {
    pub(crate) async fn record(&self, notification: &Notification, change: Change) -> Result<bool, Failure> {
        // Its message comes again, perhaps under settings that give it the former key once more.
        let goes_on = matches!(change, Change::Failed(_) | Change::RateLimited { waits_here: false, .. });
        let recorded = self.ledger.record(&Entry { notification, change, now: self.host.now() }).await?;
        if !goes_on {
            self.close_moved(notification).await?;
        }
        Ok(recorded)
    }

    /// Closes the record under the former key after the record under the new key is written. If the
    /// function crashes in between, the message stays on the queue and the next attempt closes it.
    pub(crate) async fn close_moved(&self, n: &Notification) -> Result<(), Failure> {
        if let Some(old) = n.moved_from() {
            self.ledger.moved(old, &n.ledger_key(), self.host.now()).await?;
        }
        Ok(())
    }

    pub(crate) fn line(&self, received: &Received, reason: Reason, detail: &str) -> Attempt {
        Attempt { at: self.host.now(), receive_count: received.receive_count, reason, detail: detail.to_owned() }
    }

    pub(crate) fn unwritten(&self, failure: &Failure, received: &Received) -> Needs {
        tracing::error!(error = failure.detail, "the ledger could not be written: {}", failure.detail);
        Needs::Again(failure.next, received.receive_count)
    }

    pub(crate) async fn queue_feedback(&self, n: &Notification, received: &Received) -> Result<(), Failure> {
        self.queue_feedback_of(n.ledger_key(), n, received).await
    }

    /// `key` may be that of the record with which the notification went on.
    pub(crate) async fn queue_feedback_of(
        &self,
        key: LedgerKey,
        n: &Notification,
        received: &Received,
    ) -> Result<(), Failure> {
        let message = FeedbackMessage::Feedback { notification: key };
        let body = serde_json::to_string(&message).expect("names and ids always serialise");
        self.send(&self.feedback, n, received, body).await
    }

    pub(crate) async fn send(
        &self,
        queue: &P::Queue,
        n: &Notification,
        received: &Received,
        body: String,
    ) -> Result<(), Failure> {
        let trace = received.trace.as_ref();
        queue.send(Message { body, group: n.tenant.as_deref(), attributes: &[], trace }).await?;
        Ok(())
    }

    pub(crate) fn count(&self, n: &Notification, metric: Metric) {
        self.metrics.record(n.tenant.as_deref(), [metric]);
    }

    pub(crate) fn count_end(&self, n: &Notification, state: State) {
        let ended = match state {
            State::Superseded => Metric::Superseded,
            State::Unparseable => Metric::Unparseable,
            _ => Metric::Processed,
        };
        let elapsed = self.host.now() - n.received_at;
        self.metrics.record(n.tenant.as_deref(), [ended, Metric::AcceptedToProcessed(elapsed)]);
    }

    pub(crate) fn count_failure(&self, tenant: Option<&str>, is_last: bool, reason: Reason) {
        let reason = reason.as_str();
        self.metrics.record(tenant, [if is_last { Metric::Dead { reason } } else { Metric::Retried { reason } }]);
    }
}
