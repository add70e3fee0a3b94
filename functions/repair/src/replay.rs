//! Replays: gives notifications to the processor again.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{Repair, Slice, lasting};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Status};
use webhooks_model::{LedgerKey, State};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Action, Deed};

/// The most notifications that a slice reads without a match.
const MOST_LOOKED_AT: u32 = 100;
/// After this time a slice reads no further page. One page over tenants that received nothing takes
/// hundreds of reads.
const LONGEST_LOOK: time::Duration = time::Duration::seconds(5);

impl<P: Ports> Repair<P> {
    /// Replays the next notifications that match the filter, as many as the rate allows in a
    /// second.
    pub(crate) async fn replays(&self, job: &Job, filter: &Filter, received: &Received) -> Result<Slice, Failure> {
        let mut progress = job.progress.clone();
        let (mut found, mut looked_at) = (0, 0);
        let ends_at = self.host.now() + LONGEST_LOOK;
        while found < job.rate && looked_at < MOST_LOOKED_AT {
            let most = job.rate - found;
            let asked = i32::try_from(most).expect("a hundred at most");
            let page = self.store.feed_page(filter, progress.position.as_deref(), asked).await?;
            for one in &page.found {
                let deed = if one.state == State::Paused { Deed::Release } else { Deed::Replay };
                let replayed = self.replay(job, &one.key, deed, received).await?;
                progress.done += u64::from(replayed);
                progress.skipped += u64::from(!replayed);
                found += 1;
            }
            looked_at += most;
            progress.position = page.position;
            if progress.position.is_none() {
                progress.status = Status::Finished;
                break;
            }
            if self.host.now() >= ends_at {
                break;
            }
        }
        Ok(Slice { progress, wait: lasting(found as usize, job) })
    }

    /// Records the replay in the notification's item, then sends it. `false` if the notification
    /// has expired, or its state does not allow a replay.
    pub(crate) async fn replay(
        &self,
        job: &Job,
        key: &LedgerKey,
        deed: Deed,
        received: &Received,
    ) -> Result<bool, Failure> {
        let note = job.note_beside();
        let action = Action { deed, at: self.host.now(), by: &job.by, note: &note };
        if !self.store.act(key, action).await? {
            return Ok(false);
        }
        self.hand_over(key, received).await
    }

    /// Sends a notification to the processor. `false` if it has expired.
    pub(crate) async fn hand_over(&self, key: &LedgerKey, received: &Received) -> Result<bool, Failure> {
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
