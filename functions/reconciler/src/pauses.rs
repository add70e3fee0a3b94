//! Ends pauses that are over, and releases the notifications that waited.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use crate::sweep::SweepError;
use webhooks_host::Host;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};
use webhooks_model::job::{Job, message};
use webhooks_model::{Pause, Work};
use webhooks_queue::{Message, Sender};

const BY: &str = "reconciler";
/// The role that a person needs to release notifications.
const ROLE: &str = "repair";
const RELEASED_A_SECOND: u32 = 50;

impl<P: Ports> Reconciler<P> {
    /// Returns how many it has ended. It creates the job before it ends the pauses. If the run dies
    /// in between, the next one creates another job.
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
