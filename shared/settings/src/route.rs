//! What to do with an event.

use serde::Deserialize;
use std::time::Duration;
use webhooks_model::feedback::FeedbackMode;
use webhooks_model::{Entity, Kind, pattern};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// A pattern over `{entity}.{kind}`, for example `sales_order.*`.
    #[serde(default = "any")]
    pub events: String,
    /// Whether to fetch the resource from the ERP.
    #[serde(default = "yes")]
    pub fetch: bool,
    /// Whether to publish to the events queue.
    #[serde(default = "yes")]
    pub publish: bool,
    #[serde(default)]
    pub feedback: FeedbackMode,
    /// How long the integrator's system has to send an outcome, if feedback is deferred.
    #[serde(default = "a_day")]
    pub deadline_hours: u32,
}

impl Default for Route {
    fn default() -> Self {
        Self { events: any(), fetch: true, publish: true, feedback: FeedbackMode::Automatic, deadline_hours: a_day() }
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

fn any() -> String {
    "*".to_owned()
}

fn yes() -> bool {
    true
}

fn a_day() -> u32 {
    24
}
