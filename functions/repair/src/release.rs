//! Letting go on what waited for a pause that has ended.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{Repair, Slice, lasting, most};
use time::Duration as Span;
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::State;
use webhooks_model::job::{Job, Status};
use webhooks_store::{Deed, Pauses, Position, Records};

/// A processor believes in a pause for 15 seconds after its end, and makes notifications wait until then.
const BELIEVED: Span = Span::minutes(1);
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

impl<P: Ports> Repair<P> {
    /// Passes over what is paused, until a pass has begun after the last processor knew. What another pause covers stays.
    pub(crate) async fn releases(&self, job: &Job, received: &Received) -> Result<Slice, Failure> {
        let pauses = self.store.paused().await?;
        let after = job.progress.position.as_deref().filter(|position| !position.is_empty());
        let after: Option<Position> = after.map(serde_json::from_str).transpose().map_err(|_| Failure::Unknown)?;
        let mut progress = job.progress.clone();
        if after.is_none() {
            progress.skipped = 0;
        }
        let most = u8::try_from(most(job)).expect("a hundred at most");
        let page = self.store.marked(State::Paused.as_str(), after.as_ref(), most).await?;
        for record in &page.records {
            let waits = pauses.iter().any(|pause| pause.covers_recorded(&record.key.entity, &record.event));
            let released = !waits && self.replay(job, &record.key, Deed::Release, received).await?;
            progress.done += u64::from(released);
            progress.skipped += u64::from(!released);
        }
        let mut wait = lasting(page.records.len(), job);
        if page.next.is_none() {
            if self.host.now() >= job.created_at + BELIEVED {
                progress.status = Status::Finished;
            }
            wait = wait.max(PATIENCE);
        }
        let position = page.next.map(|next| serde_json::to_string(&next).expect("texts always serialise"));
        progress.position = Some(position.unwrap_or_default());
        Ok(Slice { progress, wait })
    }
}
