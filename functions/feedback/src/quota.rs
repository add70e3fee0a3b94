//! Handles feedback of a tenant without calls left, as the processor does for notifications.

use crate::feedback::{Feedback, Wanted};
use crate::ports::Ports;
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::Reason;
use webhooks_model::allowance::LONGEST_ON_QUEUE;
use webhooks_store::{Answers, WaitForCalls};
use webhooks_visma::{Quotas, VismaError};

/// A feedback that still finds no calls after this time is parked, since its record would expire
/// unseen. The shortest retention is a day longer.
const LONGEST_IN_LEDGER: time::Duration = time::Duration::days(14);

/// The wait, if it is too long for the queue.
fn long_wait(error: &VismaError) -> Option<Duration> {
    match error {
        VismaError::RateLimited { after, .. } => after.filter(|after| *after > LONGEST_ON_QUEUE),
        _ => None,
    }
}

impl Wanted {
    /// Whether it would have to wait again after such a time without calls.
    pub(crate) fn has_waited_long(&self, error: &VismaError, now: OffsetDateTime) -> bool {
        long_wait(error).is_some() && self.limited_since.is_some_and(|since| now - since >= LONGEST_IN_LEDGER)
    }
}

impl<P: Ports> Feedback<P> {
    /// Makes it wait in the ledger, where the reconciler releases it at the pace of the quota. `None`
    /// if it has to wait on the queue: for a short time, or because the notification has not ended or
    /// needs a person.
    pub(crate) async fn wait_in_ledger(
        &self,
        wanted: &Wanted,
        error: &VismaError,
        received: &Received,
    ) -> Option<Outcome> {
        let after = long_wait(error)?;
        let (tenant, now) = (&wanted.key.entity.tenant, self.host.now());
        let allowance = self.visma.used_up(tenant, 1, Some(after), now);
        // Of such tries in a row, the record keeps the first.
        let attempt = wanted.limited_since.is_none().then(|| self.attempt(received, Reason::RateLimited, error));
        let (read, verdict) = (wanted.state, wanted.verdict.clone());
        let since = wanted.received_at.unwrap_or(now);
        let wait = WaitForCalls { read, verdict, since, attempt, allowance };
        match self.answers.wait_for_calls(&wanted.key, &wait, now).await {
            Ok(true) => {
                let reason = Reason::RateLimited.as_str();
                tracing::info!(reason, "waits for the tenant's quota");
                self.metrics.record(Some(tenant), [Metric::FeedbackRetried { reason }]);
                Some(Outcome::Done)
            }
            Ok(false) => None,
            Err(error) => {
                tracing::error!(error = %error, "the ledger could not be written: {error}");
                Some(self.retry(Some(tenant), error.next(), received))
            }
        }
    }
}
