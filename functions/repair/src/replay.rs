//! Handing notifications to the processor once more.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{Repair, Slice, lasting, most};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Progress, Status};
use webhooks_model::{LedgerKey, State};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Action, Deed, Jobs, Repairs, Replays};

impl<P: Ports> Repair<P> {
    /// Those of the feed that the filter finds.
    pub(crate) async fn replays(&self, job: &Job, filter: &Filter, received: &Received) -> Result<Slice, Failure> {
        let most = i32::try_from(most(job)).expect("a hundred at most");
        let stretch = self.store.stretch(filter, job.progress.position.as_deref(), most).await?;
        let mut progress = Progress { position: stretch.position, ..job.progress.clone() };
        progress.skipped += stretch.skipped;
        for found in &stretch.found {
            let deed = if found.state == State::Paused { Deed::Release } else { Deed::Replay };
            let replayed = self.replay(job, &found.key, deed, received).await?;
            progress.done += u64::from(replayed);
            progress.skipped += u64::from(!replayed);
        }
        if progress.position.is_none() {
            progress.status = Status::Finished;
        }
        Ok(Slice { progress, wait: lasting(stretch.found.len(), job) })
    }

    /// `false` when it has gone, or its state does not allow it. Written down beside the notification before anything happens.
    pub(crate) async fn replay(
        &self,
        job: &Job,
        key: &LedgerKey,
        deed: Deed,
        received: &Received,
    ) -> Result<bool, Failure> {
        let note = format!("job {}: {}", job.id, job.note);
        let action = Action { deed, at: self.host.now(), by: &job.by, note: &note };
        if !self.store.act(key, action).await? {
            return Ok(false);
        }
        let Some(delivery) = self.store.replay(key).await? else {
            return Ok(false);
        };
        let group = Some(key.entity.tenant.as_str());
        let message = Message { body: delivery.to_message(), group, attributes: &[], trace: received.trace.as_ref() };
        self.notifications.send(message).await?;
        self.metrics.record(group, [Metric::ReplaysQueued]);
        Ok(true)
    }
}
