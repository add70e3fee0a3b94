//! Handles notifications of a tenant without calls left. Waiting uses up no attempt.

use crate::failure::Failure;
use crate::ports::{Limits, Needs, Ports, Processor};
use std::time::Duration;
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::allowance::LONGEST_ON_QUEUE;
use webhooks_model::feedback::FeedbackMode;
use webhooks_model::retry::{self, Next};
use webhooks_model::{Notification, Reason};
use webhooks_settings::Settings;
use webhooks_store::{Change, Known};
use webhooks_visma::Quotas;

impl Limits {
    /// Reserves the last receipt for moving the notification to the ledger.
    fn stays_on_queue(&self, after: Option<Duration>, received: &Received) -> bool {
        after.is_none_or(|after| after <= LONGEST_ON_QUEUE) && received.receive_count + 1 < self.max_receive_count
    }
}

impl<P: Ports> Processor<P> {
    /// Makes it wait. A short wait happens on the queue and grows each time. A longer one happens
    /// in the ledger, where the reconciler releases notifications at the pace of the quota.
    pub(crate) async fn out_of_calls(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        (known, failure, after): (Known, &Failure, Option<Duration>),
    ) -> Needs {
        self.count_failure(n.tenant.as_deref(), false, Reason::RateLimited);
        let waits_here = !self.limits.stays_on_queue(after, received);
        // The ledger keeps only the first of such answers in a row.
        let is_first = known.reason != Some(Reason::RateLimited);
        let attempt = is_first.then(|| self.line(received, Reason::RateLimited, &failure.detail));
        let written = async {
            if waits_here {
                self.note_used_up(n, settings, after).await?;
            }
            self.record(n, Change::RateLimited { attempt, waits_here }).await
        };
        match written.await {
            Ok(true) if waits_here => {
                tracing::info!(reason = Reason::RateLimited.as_str(), "waits for the tenant's quota");
                Needs::Nothing
            }
            // It was dead or parked, and stays so until an attempt succeeds.
            Ok(false) if self.limits.is_last(received.receive_count) => Needs::FreshMessage,
            Ok(_) => {
                let later = retry::backoff(received.receive_count, self.limits.retry_base, self.host.random());
                let after = Some(after.unwrap_or_default().saturating_add(later));
                Needs::Again(Next::Retry { reason: Reason::RateLimited, after }, received.receive_count)
            }
            Err(unwritten) => self.unwritten(&unwritten, received),
        }
    }

    async fn note_used_up(
        &self,
        n: &Notification,
        settings: &Settings,
        after: Option<Duration>,
    ) -> Result<(), Failure> {
        let (now, tenant) = (self.host.now(), n.ledger_key().entity.tenant);
        // Without the record, the reconciler would never release what waits.
        if self.local.exhausted_quotas.is_noted(&tenant, now)
            && !self.local.pauses.has_erased(&tenant, &self.ledger, now).await?
        {
            return Ok(());
        }
        let is_answered = settings.route(n.entity, n.kind).feedback != FeedbackMode::None;
        let allowance = self.visma.used_up(&tenant, 1 + u64::from(is_answered), after, now);
        self.ledger.used_up(&allowance, now).await?;
        self.local.exhausted_quotas.note(&allowance);
        Ok(())
    }
}
