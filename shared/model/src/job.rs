//! A job: long work that an operator requests. It runs in slices at a rate, so that it can be
//! watched, cancelled and resumed.

use crate::words::words;
use crate::work::Work;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// The highest rate of a job, per second.
pub const FASTEST: u32 = 100;

words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Status {
        Running = "running",
        Finished = "finished",
        Cancelled = "cancelled",
    }
}

/// A job: its work and its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// A version 7 UUID, so that ids sort by time.
    pub id: Uuid,
    pub work: Work,
    /// Notifications, messages or items per second.
    pub rate: u32,
    /// The operator who requested it.
    pub by: String,
    /// The reason.
    pub note: String,
    pub created_at: OffsetDateTime,
    /// The number to do when it began; `None` if there were too many to count.
    pub expected: Option<u64>,
    pub progress: Progress,
    /// The outcomes, if an operator has requested them.
    pub tally: Option<Tally>,
}

/// The outcome of one notification that a job put back on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Succeeded,
    /// It needs a person again.
    Failed,
    UnderWay,
}

/// The outcomes of a job's notifications, as far as they have been counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub succeeded: u64,
    pub failed: u64,
    pub under_way: u64,
    /// The number that only a newer version can read. Some may not be of this job.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unread: u64,
    /// The number that the job had put back when they were counted. If the job has continued since,
    /// they are counted again.
    pub of: u64,
    /// The position at which the counting continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Whether all are counted.
    pub is_whole: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub counted_at: OffsetDateTime,
}

impl Tally {
    /// A tally without counts.
    #[must_use]
    pub fn new(of: u64, now: OffsetDateTime) -> Self {
        let (position, is_whole, counted_at) = (None, false, now);
        Self { succeeded: 0, failed: 0, under_way: 0, unread: 0, of, position, is_whole, counted_at }
    }

    pub fn add(&mut self, ending: Ending) {
        match ending {
            Ending::Succeeded => self.succeeded += 1,
            Ending::Failed => self.failed += 1,
            Ending::UnderWay => self.under_way += 1,
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub status: Status,
    /// The position after which it continues, in the form of its kind of work; `None` at the start.
    pub position: Option<String>,
    /// The number put on a queue, or deleted.
    pub done: u64,
    /// The number selected but left unchanged: deleted meanwhile, in a state that forbids the work,
    /// or readable only by a newer version.
    pub skipped: u64,
    /// No message makes it continue before this time. This keeps its rate.
    pub due_at: OffsetDateTime,
    /// Counts the writes, so that only one of two messages continues it at the same time.
    pub revision: u64,
    pub updated_at: OffsetDateTime,
}

impl Job {
    #[must_use]
    pub fn new(id: Uuid, work: impl Into<Work>, rate: u32, by: &str, note: &str, now: OffsetDateTime) -> Self {
        let progress = Progress {
            status: Status::Running,
            position: None,
            done: 0,
            skipped: 0,
            due_at: now,
            revision: 0,
            updated_at: now,
        };
        let rate = rate.clamp(1, FASTEST);
        let (work, by, note) = (work.into(), by.to_owned(), note.to_owned());
        Self { id, work, rate, by, note, created_at: now, expected: None, progress, tally: None }
    }

    /// The note in the timeline of a notification that it puts back.
    #[must_use]
    pub fn note_beside(&self) -> String {
        format!("job {}: {}", self.id, self.note)
    }

    /// Whether this job wrote the note.
    #[must_use]
    pub fn has_written(&self, note: &str) -> bool {
        let of_a_job = note.strip_prefix("job ").and_then(|rest| rest.split_once(':'));
        of_a_job.is_some_and(|(id, _)| Uuid::try_parse(id).is_ok_and(|id| id == self.id))
    }

    /// The tally, unless the job has continued since it was counted.
    #[must_use]
    pub fn counted(&self) -> Option<&Tally> {
        self.tally.as_ref().filter(|tally| tally.of == self.progress.done)
    }
}

/// The message that continues a job.
#[must_use]
pub fn message(job: Uuid) -> String {
    json!({ "job": job }).to_string()
}

/// The job in such a message.
#[must_use]
pub fn job_of(message: &str) -> Option<Uuid> {
    let message: Value = serde_json::from_str(message).ok()?;
    Uuid::try_parse(message["job"].as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.to_string(), status.as_str());
        }
    }

    #[test]
    fn a_message_names_its_job() {
        let id = Uuid::from_u128(7);
        assert_eq!(job_of(&message(id)), Some(id));
        for foreign in ["", "{}", r#"{"job":7}"#, r#"{"job":"seven"}"#] {
            assert_eq!(job_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_job_recognises_only_its_own_notes() {
        let job = |id| Job::new(Uuid::from_u128(id), Work::Release, 1, "op", "a: b", datetime!(2026-11-01 00:00 UTC));
        assert!(job(7).has_written(&job(7).note_beside()));
        assert!(!job(7).has_written(&job(8).note_beside()));
        for foreign in ["", "job ", "job 7: a", "a: b"] {
            assert!(!job(7).has_written(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_tally_is_outdated_after_the_job_continues() {
        let mut job = Job::new(Uuid::nil(), Work::Release, 1, "op", "", datetime!(2026-11-01 00:00 UTC));
        let mut tally = Tally::new(0, job.created_at);
        for ending in [Ending::Failed, Ending::Failed, Ending::Succeeded, Ending::UnderWay] {
            tally.add(ending);
        }
        assert_eq!((tally.succeeded, tally.failed, tally.under_way), (1, 2, 1));
        job.tally = Some(tally.clone());
        assert_eq!(job.counted(), Some(&tally));
        job.progress.done = 1;
        assert_eq!(job.counted(), None);
    }

    #[test]
    fn a_job_begins_at_the_start_and_within_the_allowed_rate() {
        let job = |rate| Job::new(Uuid::nil(), Work::Release, rate, "operator", "why", datetime!(2026-11-01 00:00 UTC));
        assert_eq!([0, 7, 1000].map(|rate| job(rate).rate), [1, 7, FASTEST]);
        let started = job(7);
        assert_eq!((started.by.as_str(), started.note.as_str()), ("operator", "why"));
        assert_eq!(
            (started.progress.status, started.progress.position, started.progress.done),
            (Status::Running, None, 0)
        );
    }
}
