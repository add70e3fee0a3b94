//! Erasures of a tenant.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{Repair, Slice, lasting};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::job::{Job, Status};
use webhooks_store::Erasure;

/// A processor knows of an erasure after 15 seconds. The rest is for clocks that differ.
const KNOWN_AFTER: Duration = Duration::seconds(30);

/// The position of a pass over the table, and whether the pass has found anything so far.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Pass {
    /// Since when the processors can know of the erasure.
    #[serde(with = "time::serde::rfc3339::option")]
    told_at: Option<OffsetDateTime>,
    /// Whether every attempt from before the erasure had ended when the pass began.
    is_settled: bool,
    found: bool,
    after: Option<String>,
}

impl<P: Ports> Repair<P> {
    /// Tells the processors first. Then it reads the table again and again until a pass finds
    /// nothing that began after the last attempt from before. So the next pass finds what was
    /// written during this one.
    pub(crate) async fn erases(&self, job: &Job, tenant: &str) -> Result<Slice, Failure> {
        let mut pass: Pass = match &job.progress.position {
            Some(position) => serde_json::from_str(position).map_err(|_| Failure::Unknown)?,
            None => Pass::default(),
        };
        let told_at = match pass.told_at {
            Some(told_at) => told_at,
            None => self.tell_processors(job, tenant).await?,
        };
        let left = told_at + self.settles_after() - self.host.now();
        if pass.after.is_none() {
            let is_settled = left <= Duration::ZERO;
            pass = Pass { told_at: Some(told_at), is_settled, ..Pass::default() };
        }
        let kept = self.store.kept(tenant, pass.after.as_deref(), job.rate as usize).await?;
        for key in &kept.keys {
            self.store.erase(key).await?;
        }
        pass.found |= !kept.keys.is_empty();
        pass.after = kept.next;
        let mut progress = job.progress.clone();
        progress.done += kept.keys.len() as u64;
        let mut wait = lasting(kept.keys.len(), job);
        if pass.after.is_none() && !pass.found {
            if pass.is_settled {
                progress.status = Status::Finished;
            }
            wait = left.max(Duration::ZERO).unsigned_abs();
        }
        progress.position = Some(serde_json::to_string(&pass).expect("texts and times always serialise"));
        Ok(Slice { progress, wait })
    }

    /// The time from the order to forget until the last attempt that may not know it has ended.
    fn settles_after(&self) -> Duration {
        KNOWN_AFTER + self.worker_timeout
    }

    /// From now on processors forget what was received before the job. Returns since when.
    async fn tell_processors(&self, job: &Job, tenant: &str) -> Result<OffsetDateTime, Failure> {
        let erasure = Erasure { tenant: tenant.to_owned(), of_before: job.created_at };
        self.store.set_erasure(&erasure, self.host.now()).await?;
        Ok(self.host.now())
    }
}
