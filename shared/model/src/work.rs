//! The work of a job.

use crate::filter::Filter;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Processes again every notification that the filter selects.
    Replay(Filter),
    /// Sends dead letters back to their queue.
    Redrive(Redrive),
    /// Releases paused notifications that no pause covers any more.
    Release,
    /// Deletes all records of a tenant.
    Erase { tenant: String },
}

impl Work {
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Replay(_) => "replay",
            Self::Redrive(_) => "redrive",
            Self::Release => "release",
            Self::Erase { .. } => "erase",
        }
    }

    /// The only tenant that it concerns.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Replay(filter) => Some(&filter.tenant),
            Self::Erase { tenant } => Some(tenant),
            Self::Redrive(_) | Self::Release => None,
        }
    }
}

impl From<Filter> for Work {
    fn from(filter: Filter) -> Self {
        Self::Replay(filter)
    }
}

/// Selects dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    pub queue: QueueName,
    /// One of them, by its id at SQS; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Includes those that the feedback function rejected. They are rejected again unless that
    /// function has changed.
    #[serde(default)]
    pub rejected: bool,
}

/// The queues with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueName {
    Notifications,
    Feedback,
    Events,
    Repairs,
}

impl QueueName {
    pub const ALL: [Self; 4] = [Self::Notifications, Self::Feedback, Self::Events, Self::Repairs];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Feedback => "feedback",
            Self::Events => "events",
            Self::Repairs => "repairs",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for name in QueueName::ALL {
            assert_eq!(QueueName::parse(name.as_str()), Some(name));
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
            assert_eq!(name.to_string(), name.as_str());
        }
        assert_eq!(serde_json::to_value(Work::Release).unwrap(), Work::Release.as_str());
    }

    #[test]
    fn a_replay_or_an_erasure_concerns_one_tenant_and_other_work_none() {
        let moment = time::OffsetDateTime::UNIX_EPOCH;
        let tenant = "t-1".to_owned();
        let filter =
            Filter { tenant: tenant.clone(), states: vec![], entity: None, event: None, from: moment, to: moment };
        assert_eq!(Work::from(filter).tenant(), Some("t-1"));
        assert_eq!(Work::Erase { tenant }.tenant(), Some("t-1"));
        let redrive = Redrive { queue: QueueName::Events, message: None, rejected: false };
        assert_eq!((Work::Redrive(redrive).tenant(), Work::Release.tenant()), (None, None));
    }
}
