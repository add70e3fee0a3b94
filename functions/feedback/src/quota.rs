//! Handles feedback of a tenant without calls left, as the processor does for notifications.

use crate::feedback::{Feedback, Wanted};
use crate::ports::Ports;
use std::time::Duration;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::{Allowance, Reason};
use webhooks_store::{Answers, WaitForCalls};
use webhooks_visma::{Quotas, VismaError};

/// A longer wait happens in the ledger, since SQS counts hidden messages as in flight and bills
/// every receipt.
const LONGEST_ON_QUEUE: Duration = Duration::from_secs(300);

impl<P: Ports> Feedback<P> {
    /// Makes it wait in the ledger, where the reconciler releases it at the pace of the quota. `None`
    /// if it has to wait on the queue: for a short time, or because the record has a mark for a
    /// person.
    pub(crate) async fn wait_in_ledger(
        &self,
        wanted: &Wanted,
        error: &VismaError,
        received: &Received,
    ) -> Option<Outcome> {
        let VismaError::RateLimited { after: Some(after), .. } = error else { return None };
        if *after <= LONGEST_ON_QUEUE {
            return None;
        }
        let (tenant, now) = (&wanted.key.entity.tenant, self.host.now());
        let quota = self.visma.quota_left(tenant);
        // The tenant may have calls left, but was asked to wait for a given time.
        let window = quota.filter(|quota| quota.remaining == 0).map(|quota| quota.resets_in);
        let allowance = Allowance {
            tenant: tenant.clone(),
            limit: quota.and_then(|quota| quota.limit),
            calls_each: 1,
            resets_at: now + window.unwrap_or_default().max(*after),
            released_to: None,
        };
        // A record with a mark has waited before, and has a line about that.
        let attempt = (!wanted.was_marked).then(|| self.attempt(received, Reason::RateLimited, error));
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
