//! Erasures of a tenant.

use crate::ports::Ports;
use crate::repair::{AFTER_FAILURE, Failure, Repair, Slice, lasting};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::job::{Job, Status};
use webhooks_store::{Erasure, Kept, StoreError};

/// A processor knows of an erasure after 15 seconds, the reconciler in its next run. The rest is for
/// clocks that differ.
const KNOWN_AFTER: Duration = Duration::seconds(30);

/// An item that seems to be written later than this from now had a longer retention. Nobody knows when
/// it was written.
const CLOCKS_DIFFER_BY: Duration = Duration::minutes(1);

/// After this time a slice reads no further page. The shortest time-out of the function is five
/// seconds, and a slice that does not end in time is repeated from its beginning, again and again.
const LONGEST_READING: Duration = Duration::seconds(1);

/// After this time a slice deletes no more. A page may have a thousand items of the tenant.
const LONGEST_DELETING: Duration = Duration::seconds(1);

/// The position of a pass over the table.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Pass {
    /// Since when the other functions can know of the erasure.
    #[serde(with = "time::serde::rfc3339::option")]
    told_at: Option<OffsetDateTime>,
    /// When something from before the erasure was last found. An attempt may have read it just before
    /// it was deleted.
    #[serde(with = "time::serde::rfc3339::option")]
    found_at: Option<OffsetDateTime>,
    /// Whether every attempt that does not know of the erasure, or has read something from before, had
    /// ended when the pass began, and the pass has found nothing from before.
    is_settled: bool,
    after: Option<String>,
}

impl Pass {
    fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts and times always serialise")
    }
}

impl<P: Ports> Repair<P> {
    /// Tells the other functions first. Then it reads the table again and again, until a pass finds
    /// nothing from before the erasure that began after the last attempt that could write such. What
    /// was received since the erasure began stays.
    pub(crate) async fn erases(&self, job: &Job, tenant: &str) -> Result<Slice, Failure> {
        let mut pass: Pass = match &job.progress.position {
            Some(position) => serde_json::from_str(position).map_err(|_| Failure::Unknown)?,
            None => Pass::default(),
        };
        let told_at = match pass.told_at {
            Some(told_at) => told_at,
            None => self.tell_others(job, tenant).await?,
        };
        pass.told_at = Some(told_at);
        if pass.after.is_none() {
            pass.is_settled = self.left(told_at, pass.found_at) == Duration::ZERO;
        }
        let mut kept = self.read_some(tenant, pass.after.as_deref(), job.rate as usize).await?;
        self.store.receive_with_records(&mut kept).await?;
        let mut progress = job.progress.clone();
        let (keys, has_found) = self.judge(&kept, job.created_at, told_at);
        if has_found {
            pass.found_at = Some(self.host.now());
            pass.is_settled = false;
            // Saved first. If the slice dies after it has deleted, the next one finds nothing.
            progress.position = Some(pass.to_text());
            if !self.write(job, &mut progress).await? {
                return Ok(Slice { progress, wait: AFTER_FAILURE });
            }
            progress.revision += 1;
        }
        let erased = self.erase_some(&keys).await?;
        if has_found {
            pass.found_at = Some(self.host.now());
        }
        progress.done += erased as u64;
        let mut wait = lasting(erased, job);
        if erased == keys.len() {
            pass.after = kept.next;
            if pass.after.is_none() {
                if pass.is_settled {
                    progress.status = Status::Finished;
                }
                wait = wait.max(self.left(told_at, pass.found_at).unsigned_abs());
            }
        }
        progress.position = Some(pass.to_text());
        Ok(Slice { progress, wait })
    }

    /// The items to delete, and whether something is from before the erasure. An item without a time
    /// of receipt, such as a head, may tell of what came before, so it never stays. But it is only
    /// from before if it was written before the other functions knew of the erasure. Otherwise a
    /// tenant at work would have no end of them.
    fn judge(&self, kept: &Kept, began: OffsetDateTime, told_at: OffsetDateTime) -> (Vec<(String, String)>, bool) {
        let known_at = told_at + KNOWN_AFTER;
        let (mut keys, mut has_found) = (vec![], false);
        for (key, times) in kept.keys.iter().zip(&kept.times) {
            if times.received.is_some_and(|at| at >= began) {
                continue;
            }
            // Its record says when it was received, but an attempt may be about to write it.
            let awaits_record = times.is_part
                && times.received.is_none()
                && times
                    .written
                    .is_some_and(|at| at <= self.host.now() + CLOCKS_DIFFER_BY && self.left(at, None) > Duration::ZERO);
            if !awaits_record {
                keys.push(key.clone());
            }
            let is_late = times.received.is_none() && times.written.is_some_and(|at| at >= known_at);
            has_found |= awaits_record || !is_late;
        }
        (keys, has_found)
    }

    /// Reads on until there are at least `most` items of the tenant, or there is no more time.
    async fn read_some(&self, tenant: &str, after: Option<&str>, most: usize) -> Result<Kept, StoreError> {
        let ends_at = self.host.now() + LONGEST_READING;
        let mut kept = self.store.kept(tenant, after).await?;
        while kept.next.is_some() && kept.keys.len() < most && self.host.now() < ends_at {
            let page = self.store.kept(tenant, kept.next.as_deref()).await?;
            kept.keys.extend(page.keys);
            kept.times.extend(page.times);
            kept.next = page.next;
        }
        Ok(kept)
    }

    /// Deletes as many as there is time for. Returns how many. The next slice reads the others again
    /// from the same place.
    async fn erase_some(&self, keys: &[(String, String)]) -> Result<usize, StoreError> {
        let ends_at = self.host.now() + LONGEST_DELETING;
        for (erased, key) in keys.iter().enumerate() {
            if erased > 0 && self.host.now() >= ends_at {
                return Ok(erased);
            }
            match self.store.erase(key).await {
                Err(error) if erased > 0 => {
                    tracing::warn!("the slice ends early: {error}");
                    return Ok(erased);
                }
                result => result?,
            }
        }
        Ok(keys.len())
    }

    /// The time until no attempt is left that does not know of the erasure, or has read something from
    /// before.
    fn left(&self, told_at: OffsetDateTime, found_at: Option<OffsetDateTime>) -> Duration {
        let since = found_at.map_or(told_at, |found_at| found_at.max(told_at));
        (since + KNOWN_AFTER + self.longest_timeout - self.host.now()).max(Duration::ZERO)
    }

    /// From now on processors forget what was received before the job, and the reconciler leaves the
    /// tenant alone. Returns since when.
    async fn tell_others(&self, job: &Job, tenant: &str) -> Result<OffsetDateTime, Failure> {
        let erasure = Erasure { tenant: tenant.to_owned(), of_before: job.created_at };
        self.store.set_erasure(&erasure, self.host.now()).await?;
        Ok(self.host.now())
    }
}
