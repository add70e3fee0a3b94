//! The work of a job.

use crate::filter::Filter;
use crate::ledger::Reason;
use crate::words::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

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
    /// Sends parked feedback again.
    Resend(ParkedFeedback),
}

impl Work {
    /// Reads the JSON of a job. `None` if only a newer version can read it. That includes an unknown
    /// field: it may say what to leave out, and then this version would do more than was asked.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let work: Self = serde_json::from_str(json).ok()?;
        let written: Value = serde_json::from_str(json).ok()?;
        let known = serde_json::to_value(&work).ok()?;
        let mut names = written[work.as_str()].as_object().into_iter().flat_map(|fields| fields.keys());
        names.all(|name| known[work.as_str()].get(name).is_some()).then_some(work)
    }

    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Replay(_) => "replay",
            Self::Redrive(_) => "redrive",
            Self::Release => "release",
            Self::Erase { .. } => "erase",
            Self::Resend(_) => "resend",
        }
    }

    /// The only tenant that it concerns.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Replay(filter) => filter.tenant.as_deref(),
            Self::Erase { tenant } => Some(tenant),
            Self::Resend(parked) => parked.tenant.as_deref(),
            Self::Redrive(_) | Self::Release => None,
        }
    }
}

impl From<Filter> for Work {
    fn from(filter: Filter) -> Self {
        Self::Replay(filter)
    }
}

/// Selects parked feedback: parked in `from..to`, and matching every other field that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedFeedback {
    /// Of every tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The code that its last try ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A part of what its last try said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Parked since then; ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub from: Option<OffsetDateTime>,
    /// Parked before then. No later than the job's beginning, so that it sends nothing twice.
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
}

impl ParkedFeedback {
    /// Whether a feedback that was parked in that time is meant.
    #[must_use]
    pub fn fits(&self, tenant: &str, reason: &str, cause: &str) -> bool {
        self.tenant.as_deref().is_none_or(|own| own == tenant)
            && self.reason.is_none_or(|own| own.as_str() == reason)
            && self.cause.as_deref().is_none_or(|own| cause.contains(own))
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

words! {
    /// The queues with dead letters.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum QueueName {
        Notifications = "notifications",
        Feedback = "feedback",
        Events = "events",
        Repairs = "repairs",
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
    fn a_replay_of_a_tenant_or_an_erasure_concerns_only_that_one() {
        let moment = time::OffsetDateTime::UNIX_EPOCH;
        let tenant = "t-1".to_owned();
        let filter = Filter {
            tenant: Some(tenant.clone()),
            states: vec![],
            entity: None,
            event: None,
            from: moment,
            to: moment,
        };
        let of_all = Filter { tenant: None, ..filter.clone() };
        assert_eq!((Work::from(filter).tenant(), Work::from(of_all).tenant()), (Some("t-1"), None));
        assert_eq!(Work::Erase { tenant }.tenant(), Some("t-1"));
        let redrive = Redrive { queue: QueueName::Events, message: None, rejected: false };
        assert_eq!((Work::Redrive(redrive).tenant(), Work::Release.tenant()), (None, None));
    }

    #[test]
    fn refuses_work_with_a_field_that_it_does_not_know() {
        let to = OffsetDateTime::UNIX_EPOCH;
        let filter = Filter { tenant: None, states: vec![], entity: None, event: None, from: to, to };
        let parked = ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to };
        let redrive = Redrive { queue: QueueName::Events, message: None, rejected: false };
        let erase = Work::Erase { tenant: "t-1".into() };
        for work in [Work::Replay(filter), Work::Resend(parked), Work::Redrive(redrive), erase] {
            let mut json = serde_json::to_value(&work).unwrap();
            assert_eq!(Work::read(&json.to_string()), Some(work.clone()));
            json[work.as_str()]["only"] = "SO/1".into();
            assert_eq!(Work::read(&json.to_string()), None, "{work:?}");
        }
        assert_eq!(Work::read(r#""release""#), Some(Work::Release));
        let first = r#"{"redrive":{"queue":"events"}}"#;
        assert!(matches!(Work::read(first), Some(Work::Redrive(_))), "an earlier version wrote no more");
    }

    #[test]
    fn a_resend_means_what_fits_everything_it_names_of_one_tenant_or_of_all() {
        let to = OffsetDateTime::UNIX_EPOCH;
        let all = ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to };
        assert!(all.fits("t-1", "gave_up", "503") && all.fits("t-2", "", ""));
        let own = ParkedFeedback { tenant: Some("t-1".into()), ..all.clone() };
        assert!(own.fits("t-1", "gave_up", "") && !own.fits("t-2", "gave_up", ""));
        let refused = ParkedFeedback { reason: Some(Reason::FeedbackRefused), ..all.clone() };
        assert!(refused.fits("t-1", "feedback_refused", "") && !refused.fits("t-1", "gave_up", ""));
        let unknown = ParkedFeedback { cause: Some("(404)".into()), ..all.clone() };
        assert!(unknown.fits("t-1", "", "refused (404) by") && !unknown.fits("t-1", "", "refused (400)"));
        assert_eq!((Work::Resend(own).tenant(), Work::Resend(all).tenant()), (Some("t-1"), None));
    }

    #[test]
    fn a_resend_is_read_as_it_was_written() {
        let (from, to) = (Some(OffsetDateTime::UNIX_EPOCH), OffsetDateTime::UNIX_EPOCH + time::Duration::HOUR);
        let whole = ParkedFeedback {
            tenant: Some("t-1".into()),
            reason: Some(Reason::GaveUp),
            cause: Some("(404)".into()),
            from,
            to,
        };
        let least = ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to };
        for work in [Work::Resend(whole), Work::Resend(least)] {
            let text = serde_json::to_string(&work).unwrap();
            assert!(text.starts_with(r#"{"resend":"#), "{text}");
            assert_eq!(serde_json::from_str::<Work>(&text).unwrap(), work);
        }
    }
}
