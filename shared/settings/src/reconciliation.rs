//! How the reconciler searches the ERP for changes whose webhook never arrived.

use serde::Deserialize;
use time::Duration;
use webhooks_model::{Collection, from_objects};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Reconciliation {
    /// The lists to sweep. Empty: none.
    pub collections: Vec<Collection>,
    /// How far each sweep overlaps the one before, since clocks differ.
    pub overlap_minutes: u16,
    /// Newer changes are left to the next sweep: their webhook may still come.
    pub grace_minutes: u16,
    /// How far the first sweep of a list reaches back.
    pub first_lookback_hours: u16,
    /// Longest silence of a tenant, heard of or not, and longest wait for a subscription's first
    /// delivery. 0 means no limit.
    pub silence_hours: u16,
    /// Longest time without a delivery of a subscription that has delivered before. 0 means no
    /// limit.
    pub quiet_days: u16,
    /// A notification without an end, or an unsent feedback, counts as stuck this long after its
    /// last change. It must be longer than notifications are retried (17 hours at most) and
    /// feedback is tried (`GiveUpHours`).
    pub stuck_hours: u16,
    /// The most calls to the ERP in one run.
    pub max_calls: u32,
    /// The most changes queued in one run, so that the queue is never flooded. The same limit
    /// applies to overdue and stuck items.
    pub max_gaps: usize,
}

from_objects!(Reconciliation);

impl Default for Reconciliation {
    fn default() -> Self {
        Self {
            collections: Collection::ALL.to_vec(),
            overlap_minutes: 10,
            grace_minutes: 5,
            first_lookback_hours: 24,
            // A weekend and a night.
            silence_hours: 72,
            // Only the team knows how rare an event is.
            quiet_days: 0,
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
