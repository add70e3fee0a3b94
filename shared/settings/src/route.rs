//! What to do with an event.

use serde::Deserialize;
use std::time::Duration;
use webhooks_model::feedback::FeedbackMode;
use webhooks_model::{Entity, Kind, from_objects, pattern};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
pub struct Route {
    /// A pattern over `{entity}.{kind}`, for example `sales_order.*`.
    pub events: String,
    /// Whether to fetch the resource from the ERP.
    pub fetch: bool,
    /// Whether to publish to the events queue.
    pub publish: bool,
    /// When the accountant is answered: `automatic` (immediately), `deferred` (when the integrator's
    /// system sends an outcome) or `none`.
    pub feedback: FeedbackMode,
    /// How long the integrator's system has to send an outcome, if feedback is deferred: 1 to 336
    /// hours, so that the notification is still in the ledger at its deadline.
    pub deadline_hours: u32,
}

from_objects!(Route);

/// An option that is left out has this value.
impl Default for Route {
    fn default() -> Self {
        Self {
            events: "*".to_owned(),
            fetch: true,
            publish: true,
            feedback: FeedbackMode::Automatic,
            deadline_hours: 24,
        }
    }
}

impl Route {
    pub fn matches(&self, entity: Entity, kind: Kind) -> bool {
        pattern::covers(&self.events, entity, kind)
    }

    pub fn deadline(&self) -> Duration {
        Duration::from_secs(u64::from(self.deadline_hours) * 3600)
    }
}
