//! How the ERP is searched for changes whose webhook never arrived.

use serde::Deserialize;
use time::Duration;
use webhooks_model::Collection;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconciliation {
    /// The lists to sweep. Empty: none.
    pub collections: Vec<Collection>,
    /// How far each sweep reaches back behind the one before, for clocks that differ.
    pub overlap_minutes: u16,
    /// What changed more recently may still be on its way and is left to the next sweep.
    pub grace_minutes: u16,
    /// How far the first sweep of a list reaches back.
    pub first_lookback_hours: u16,
    /// How long a tenant may be silent, also one that was never heard of; and how long the first
    /// delivery of a subscription may be waited for. 0: as long as they like.
    pub silence_hours: u16,
    /// How long after its last movement a notification that has not ended, or a feedback that was not sent, counts as stuck. Longer than a
    /// notification is retried (17 hours at most) and than a feedback is tried (`GiveUpHours`).
    pub stuck_hours: u16,
    /// The most calls to the ERP in one run.
    pub max_calls: u32,
    /// The most changes put on the queue in one run, so that it is never flooded; and as much again of what is overdue or stuck.
    pub max_gaps: usize,
}

impl Default for Reconciliation {
    fn default() -> Self {
        Self {
            collections: Collection::ALL.to_vec(),
            overlap_minutes: 10,
            grace_minutes: 5,
            first_lookback_hours: 24,
            // A weekend and a night.
            silence_hours: 72,
            stuck_hours: 26,
            max_calls: 200,
            max_gaps: 1000,
        }
    }
}

impl Reconciliation {
    pub fn overlap(&self) -> Duration {
        Duration::minutes(self.overlap_minutes.into())
    }

    pub fn grace(&self) -> Duration {
        Duration::minutes(self.grace_minutes.into())
    }

    pub fn stuck_after(&self) -> Duration {
        Duration::hours(self.stuck_hours.into())
    }

    pub fn first_lookback(&self) -> Duration {
        Duration::hours(self.first_lookback_hours.into())
    }
}
