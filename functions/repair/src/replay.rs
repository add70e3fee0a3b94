//! Gives notifications to the processor again: those that a filter finds, and those that waited for
//! a pause that has ended.

use crate::ports::Ports;
use crate::repair::{Failure, Repair, Slice, lasting};
use serde::{Deserialize, Serialize};
use time::{Duration as Span, OffsetDateTime};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Status};
use webhooks_model::{Delivery, LedgerKey, State};
use webhooks_queue::{Message, Sender};
use webhooks_store::{Action, Deed, Position, Record, StoreError};

/// The most notifications that a slice reads without a match.
const MOST_LOOKED_AT: u32 = 100;
/// The most notifications of a page. A slice looks at the clock only between two pages.
const MOST_AT_ONCE: u32 = 25;
/// After this time a slice reads no further page. One page over tenants that received nothing takes
/// hundreds of reads, and the shortest time-out of the function is five seconds. A slice that does
/// not end in time is repeated from its beginning, again and again.
const LONGEST_LOOK: Span = Span::seconds(1);
/// A processor caches a pause for 15 seconds after its end, and makes notifications wait until
/// then.
const BELIEVED: Span = Span::minutes(1);
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

impl<P: Ports> Repair<P> {
    /// Replays the next notifications that match the filter, as many as the rate allows in a
    /// second.
    pub(crate) async fn replays(&self, job: &Job, filter: &Filter, received: &Received) -> Result<Slice, Failure> {
        let mut progress = job.progress.clone();
        let (mut found, mut looked_at) = (0, 0);
        let ends_at = self.host.now() + LONGEST_LOOK;
        while found < job.rate && looked_at < MOST_LOOKED_AT {
            let most = (job.rate - found).min(MOST_AT_ONCE);
            let asked = i32::try_from(most).expect("a hundred at most");
            let page = self.store.feed_page(filter, progress.position.as_deref(), asked).await?;
            for one in &page.found {
                let deed = if one.state == State::Paused { Deed::Release } else { Deed::Replay };
                let replayed = self.replay(job, &one.key, deed, received).await;
                let replayed = unless_newer(&one.key, replayed)?.unwrap_or(false);
                progress.done += u64::from(replayed);
                progress.skipped += u64::from(!replayed);
                found += 1;
            }
            progress.skipped += page.unread as u64;
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
    /// has expired, or its state does not allow a replay. It is read first, so that nothing is
    /// recorded about one that only a newer version can send.
    async fn replay(&self, job: &Job, key: &LedgerKey, deed: Deed, received: &Received) -> Result<bool, Failure> {
        let Some(delivery) = self.store.replay(key).await? else {
            return Ok(false);
        };
        let note = job.note_beside();
        let action = Action { deed, at: self.host.now(), by: &job.by, note: &note };
        if !self.store.act(key, action).await? {
            return Ok(false);
        }
        self.hand_over(key, &delivery, received).await?;
        Ok(true)
    }

    /// Sends a notification to the processor.
    async fn hand_over(&self, key: &LedgerKey, delivery: &Delivery, received: &Received) -> Result<(), Failure> {
        let group = Some(key.entity.tenant.as_str());
        let message = Message { body: delivery.to_message(), group, attributes: &[], trace: received.trace.as_ref() };
        self.notifications.send(message).await?;
        self.metrics.record(group, [Metric::ReplaysQueued]);
        Ok(())
    }
}

impl<P: Ports> Repair<P> {
    /// Goes through all paused notifications, until a pass has begun after the last processor's
    /// cache expired. Notifications that another pause covers stay paused. For one that only a newer
    /// version can read, the job goes on until that version is deployed.
    pub(crate) async fn releases(&self, job: &Job, received: &Received) -> Result<Slice, Failure> {
        let pauses = self.store.pauses(self.host.now()).await?;
        let mut progress = job.progress.clone();
        let known = progress.position.as_deref().and_then(|position| serde_json::from_str(position).ok());
        let pass = known.unwrap_or_else(|| {
            progress.skipped = 0;
            Pass { began: self.host.now(), after: None, has_unread: false }
        });
        let most = u8::try_from(job.rate).expect("a hundred at most");
        let page = self.store.marked(State::Paused.as_str(), pass.after.as_ref(), most).await?;
        let (mut has_unread, mut sent) = (pass.has_unread || page.unread > 0, 0);
        for record in &page.records {
            let waits = pauses.iter().any(|pause| pause.covers_recorded(&record.key.entity, &record.event));
            let released = match waits {
                true => Some(false),
                false => unless_newer(&record.key, self.release(job, record, received).await)?,
            };
            has_unread |= released.is_none();
            let released = released.unwrap_or(false);
            sent += usize::from(released);
            progress.done += u64::from(released);
            progress.skipped += u64::from(!released);
        }
        progress.skipped += page.unread as u64;
        let mut wait = lasting(sent, job);
        if page.next.is_none() {
            if pass.began >= job.created_at + BELIEVED && !has_unread {
                progress.status = Status::Finished;
            }
            wait = wait.max(PATIENCE);
        }
        let next = page.next.map(|next| Pass { after: Some(next), has_unread, ..pass });
        let position = next.map(|next| serde_json::to_string(&next).expect("texts and times always serialise"));
        progress.position = Some(position.unwrap_or_default());
        Ok(Slice { progress, wait })
    }

    /// Continues a paused notification, or replays another that has a wait. It sends the message
    /// first and changes the item then, so a crash in between repeats a message and loses none.
    async fn release(&self, job: &Job, record: &Record, received: &Received) -> Result<bool, Failure> {
        match (record.is_wait(), record.state == State::Paused) {
            (true, _) => self.release_waiting(job, record, received).await,
            (false, true) => self.release_paused(job, record, received).await,
            // An index that lags behind also lists what is no longer paused.
            (false, false) => Ok(false),
        }
    }

    /// Sends what is recorded. `false` if it has expired.
    async fn send_recorded(&self, key: &LedgerKey, received: &Received) -> Result<bool, Failure> {
        let Some(delivery) = self.store.replay(key).await? else {
            return Ok(false);
        };
        self.hand_over(key, &delivery, received).await?;
        Ok(true)
    }

    /// A notification that has moved to another key waits under that key. One that is held is replayed
    /// when an operator releases it, and one that is paused itself is in the list once more. So the
    /// wait of these ends without a message.
    async fn release_waiting(&self, job: &Job, record: &Record, received: &Received) -> Result<bool, Failure> {
        let goes_on = record.moved_to.is_none() && !record.is_held() && record.state != State::Paused;
        if goes_on {
            if !self.send_recorded(&record.key, received).await? {
                return Ok(false);
            }
            let note = job.note_beside();
            let action = Action { deed: Deed::Replay, at: self.host.now(), by: &job.by, note: &note };
            // Not if it is held by now. Then the processor leaves the message undone.
            self.store.note_replay(&record.key, action).await?;
        }
        self.store.let_go(&record.key, &record.position.at, self.host.now()).await?;
        Ok(goes_on)
    }

    /// A processor accepts the message even while the record is still paused. If its cache still
    /// has the pause, it pauses the notification again, and the next pass finds it. If the
    /// notification is held by now, the processor leaves the message undone.
    async fn release_paused(&self, job: &Job, record: &Record, received: &Received) -> Result<bool, Failure> {
        if !self.send_recorded(&record.key, received).await? {
            return Ok(false);
        }
        if let Some(since) = record.updated_at {
            let note = job.note_beside();
            let action = Action { deed: Deed::Release, at: self.host.now(), by: &job.by, note: &note };
            self.store.release_sent(&record.key, since, action).await?;
        }
        Ok(true)
    }
}

/// `None` if only a newer version can read the notification. It is left to that version.
fn unless_newer(key: &LedgerKey, done: Result<bool, Failure>) -> Result<Option<bool>, Failure> {
    match done {
        Err(Failure::Store(error @ StoreError::Newer(_))) => {
            tracing::warn!(tenant = key.entity.tenant, notification = %key.notification, "passed over: {error}");
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// A position in the list of paused notifications, newest first.
#[derive(Debug, Serialize, Deserialize)]
struct Pass {
    #[serde(with = "time::serde::rfc3339")]
    began: OffsetDateTime,
    after: Option<Position>,
    /// Whether it has met a record that only a newer version can read.
    #[serde(default)]
    has_unread: bool,
}
