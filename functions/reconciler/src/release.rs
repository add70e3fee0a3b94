//! Releases notifications that wait in the ledger: for their tenant's quota, at its pace, and for a
//! pause that is over.

use crate::ports::{Ports, Reconciler};
use crate::reconciler::Report;
use crate::run::Run;
use crate::sweep::SweepError;
use webhooks_host::Host;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};
use webhooks_model::feedback::FeedbackState;
use webhooks_model::job::{Job, message};
use webhooks_model::{Allowance, Pause, Work, sorted};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Mark, Waiting};

const BY: &str = "reconciler";
/// The role that a person needs to release notifications.
const ROLE: &str = "repair";
const RELEASED_A_SECOND: u32 = 50;

impl<P: Ports> Reconciler<P> {
    /// Releases for each tenant by its own quota. Tenants served longest ago come first.
    pub(crate) async fn release(
        &self,
        only: Option<&str>,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let mut allowances = self.sweeps.allowances().await?;
        let is_meant = |tenant: &str| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant));
        allowances.retain(|one| is_meant(&one.tenant) && !run.orders.leave_alone(&one.tenant));
        let since = |one: &Allowance| one.released_to.unwrap_or(one.resets_at);
        for allowance in &sorted::by(allowances, |one, other| since(one).cmp(&since(other))) {
            self.release_tenant(allowance, run, report).await?;
        }
        Ok(())
    }

    async fn release_tenant(
        &self,
        allowance: &Allowance,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let (tenant, now) = (&allowance.tenant, self.host.now());
        let room = allowance.room(now).min(run.releases_left());
        if room == 0 {
            return Ok(());
        }
        let mut released = 0;
        let mut result = Ok(());
        for one in self.sweeps.waiting(tenant, room).await? {
            if !run.take_release(self.host.now()) {
                break;
            }
            result = self.let_go(&one, run).await;
            if result.is_err() {
                break;
            }
            released += 1;
        }
        report.released += released;
        if released > 0 {
            tracing::info!(tenant, released, "notifications continue with the tenant's quota");
            self.sweeps.set_released(tenant, allowance.given_after(released, now), now).await?;
        }
        result
    }

    /// Queues the message first, then removes the mark. If the run dies in between, the next one
    /// releases it again. The notification is watched from then on, in case the message is lost.
    async fn let_go(&self, one: &Waiting, run: &Run<'_>) -> Result<(), SweepError> {
        let key = &one.key;
        let next = match (one.mark, one.feedback) {
            (Mark::LimitedFeedback, Some(FeedbackState::Queued)) => {
                self.queue_feedback(key, run).await?;
                Mark::Queued
            }
            // Another message about it was answered meanwhile.
            (Mark::LimitedFeedback, _) => {
                return Ok(self.sweeps.unmark(key, Mark::LimitedFeedback, self.host.now()).await?);
            }
            _ => {
                if let Some(delivery) = self.delivery_of(key).await? {
                    self.queue_delivery(key, &delivery, run).await?;
                }
                Mark::Retrying
            }
        };
        self.sweeps.watch(key, next, self.host.now()).await?;
        Ok(())
    }

    /// Ends pauses that are over, and releases the notifications that waited. Returns how many it
    /// has ended. It creates the job before it ends the pauses. If the run dies in between, the
    /// next one creates another job.
    pub(crate) async fn end_pauses(&self, run: &Run<'_>) -> Result<usize, SweepError> {
        // Without the operations function there are no pauses.
        let Some(repairs) = &self.repairs else { return Ok(0) };
        let overdue = self.sweeps.overdue(self.host.now()).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let (id, now) = (self.host.new_id(), self.host.now());
        let job = Job::new(id, Work::Release, RELEASED_A_SECOND, BY, "the time of a pause is over", now);
        // Recorded first, since a message about an unknown job does nothing.
        self.sweeps.create(&job).await?;
        repairs.send(Message { body: message(id), group: None, attributes: &[], trace: run.trace }).await?;
        let mut ended = 0;
        for pause in &overdue {
            ended += usize::from(self.end_pause(pause).await?);
        }
        Ok(ended)
    }

    async fn end_pause(&self, pause: &Pause) -> Result<bool, SweepError> {
        let (tenant, events) = (pause.tenant.as_deref(), &pause.events);
        let record = AuditRecord {
            id: self.host.new_id(),
            at: self.host.now(),
            by: BY.to_owned(),
            role: ROLE.to_owned(),
            deed: "resume".to_owned(),
            on: Target { tenant: pause.tenant.clone(), kind: "pause".to_owned(), name: events.clone() },
            result: None,
        };
        self.sweeps.note(&record).await?;
        let ended = self.sweeps.end_overdue(tenant, events, self.host.now()).await?;
        let code = if ended { "done" } else { "unknown_pause" };
        let result = AuditResult { at: self.host.now(), code: code.to_owned() };
        if let Err(error) = self.sweeps.note_result(&record, &result).await {
            tracing::error!(audit = %record.id, "the result of an action could not be recorded: {error}");
        }
        tracing::info!(tenant, events, result = code, audit = %record.id, "a pause is over");
        Ok(ended)
    }
}
