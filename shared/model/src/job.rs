//! Long work that an operator asks for: carried out in slices, at a rate, so that it can be watched, cancelled and resumed.

use crate::catalogue::Entity;
use crate::ledger::State;
use crate::work::Work;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The fastest a job may go, per second.
pub const FASTEST: u32 = 100;
/// The longest span of a filter.
pub const LONGEST_SPAN: Duration = Duration::days(90);

/// Which notifications of a tenant: those received in `from..to` that fit everything else named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub tenant: String,
    /// Empty for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// The event's name as the catalogue has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    #[error("`from` must be before `to`")]
    Empty,
    #[error("`from` and `to` may be at most 90 days apart")]
    TooWide,
}

impl Filter {
    /// # Errors
    /// The span is empty or too wide.
    pub fn check(&self) -> Result<(), InvalidFilter> {
        match self.to - self.from {
            span if span <= Duration::ZERO => Err(InvalidFilter::Empty),
            span if span > LONGEST_SPAN => Err(InvalidFilter::TooWide),
            _ => Ok(()),
        }
    }

    /// Whether a notification of the tenant, received in the span, is meant.
    #[must_use]
    pub fn fits(&self, state: State, entity: Entity, event: &str) -> bool {
        (self.states.is_empty() || self.states.contains(&state))
            && self.entity.is_none_or(|own| own == entity)
            && self.event.as_deref().is_none_or(|own| own == event)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Running,
    Finished,
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Running, Self::Finished, Self::Cancelled];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Work, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// A version 7 UUID, so that ids sort by time.
    pub id: Uuid,
    pub work: Work,
    /// Notifications, messages or items per second.
    pub rate: u32,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub note: String,
    pub created_at: OffsetDateTime,
    pub progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub status: Status,
    /// The place after which it goes on, in the words of its work; `None` at the start.
    pub position: Option<String>,
    /// Put on a queue, or deleted.
    pub done: u64,
    /// Looked at and not meant, or gone meanwhile.
    pub skipped: u64,
    /// Counts the writes, so that of two who go on at once only one does.
    pub revision: u64,
    pub updated_at: OffsetDateTime,
}

impl Job {
    #[must_use]
    pub fn new(id: Uuid, work: impl Into<Work>, rate: u32, by: &str, note: &str, now: OffsetDateTime) -> Self {
        let progress =
            Progress { status: Status::Running, position: None, done: 0, skipped: 0, revision: 0, updated_at: now };
        let rate = rate.clamp(1, FASTEST);
        let (work, by, note) = (work.into(), by.to_owned(), note.to_owned());
        Self { id, work, rate, by, note, created_at: now, progress }
    }
}

/// The message that makes a job go on.
#[must_use]
pub fn message(job: Uuid) -> String {
    json!({ "job": job }).to_string()
}

/// The job that such a message is about.
#[must_use]
pub fn job_of(message: &str) -> Option<Uuid> {
    let message: Value = serde_json::from_str(message).ok()?;
    Uuid::try_parse(message["job"].as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn filter() -> Filter {
        Filter {
            tenant: "t".into(),
            states: vec![State::Dead],
            entity: Some(Entity::Account),
            event: None,
            from: datetime!(2026-11-01 00:00 UTC),
            to: datetime!(2026-11-02 00:00 UTC),
        }
    }

    #[test]
    fn a_filter_finds_what_fits_everything_it_names() {
        let filter = filter();
        assert!(filter.fits(State::Dead, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(!filter.fits(State::Processed, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(!filter.fits(State::Dead, Entity::Customer, "CUSTOMER_CHANGED"));
        let by_event = Filter { event: Some("ACCOUNT_CREATED".into()), states: vec![], ..filter };
        assert!(!by_event.fits(State::Dead, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(by_event.fits(State::Processed, Entity::Account, "ACCOUNT_CREATED"));
    }

    #[test]
    fn a_span_without_end_or_turned_around_is_refused() {
        assert_eq!(filter().check(), Ok(()));
        assert_eq!(Filter { to: filter().from, ..filter() }.check(), Err(InvalidFilter::Empty));
        assert_eq!(Filter { to: datetime!(2027-11-02 00:00 UTC), ..filter() }.check(), Err(InvalidFilter::TooWide));
    }

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.to_string(), status.as_str());
        }
    }

    #[test]
    fn a_span_may_be_as_long_as_the_longest_and_no_longer() {
        let until = |to| Filter { to, ..filter() }.check();
        let longest = filter().from + LONGEST_SPAN;
        assert_eq!(until(longest), Ok(()));
        assert_eq!(until(longest + Duration::NANOSECOND), Err(InvalidFilter::TooWide));
        assert_eq!(until(filter().from - Duration::NANOSECOND), Err(InvalidFilter::Empty));
    }

    #[test]
    fn a_message_names_the_job_that_goes_on() {
        let id = Uuid::from_u128(7);
        assert_eq!(job_of(&message(id)), Some(id));
        for foreign in ["", "{}", r#"{"job":7}"#, r#"{"job":"seven"}"#] {
            assert_eq!(job_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_job_begins_at_the_start_and_no_faster_than_allowed() {
        let job = |rate| Job::new(Uuid::nil(), filter(), rate, "operator", "why", filter().from);
        assert_eq!([0, 7, 1000].map(|rate| job(rate).rate), [1, 7, FASTEST]);
        let started = job(7);
        assert_eq!((started.by.as_str(), started.note.as_str()), ("operator", "why"));
        assert_eq!(
            (started.progress.status, started.progress.position, started.progress.done),
            (Status::Running, None, 0)
        );
    }
}
