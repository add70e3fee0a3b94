//! Erasures of a tenant.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::repair::{Repair, Slice, lasting};
use serde::{Deserialize, Serialize};
use webhooks_model::job::{Job, Status};

/// The position of a pass over the table, and whether the pass has found anything so far.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pass {
    found: bool,
    after: Option<String>,
}

impl<P: Ports> Repair<P> {
    /// Reads the table again and again until a pass finds nothing. So the next pass finds what was
    /// written during this one.
    pub(crate) async fn erases(&self, job: &Job, tenant: &str) -> Result<Slice, Failure> {
        let pass: Pass = match &job.progress.position {
            Some(position) => serde_json::from_str(position).map_err(|_| Failure::Unknown)?,
            None => Pass::default(),
        };
        let kept = self.store.kept(tenant, pass.after.as_deref(), job.rate as usize).await?;
        for key in &kept.keys {
            self.store.erase(key).await?;
        }
        let found = pass.found || !kept.keys.is_empty();
        let mut progress = job.progress.clone();
        progress.done += kept.keys.len() as u64;
        let next = match kept.next {
            Some(after) => Pass { found, after: Some(after) },
            None => Pass::default(),
        };
        if next.after.is_none() && !found {
            progress.status = Status::Finished;
        }
        progress.position = Some(serde_json::to_string(&next).expect("texts always serialise"));
        Ok(Slice { progress, wait: lasting(kept.keys.len(), job) })
    }
}
