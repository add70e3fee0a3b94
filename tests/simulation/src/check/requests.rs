//! What an operator asks the operations API for, and what jobs make of a resend of parked feedback:
//! one message for each recorded resend, and no feedback is left out.

use super::in_motion::records;
use super::{Checks, Met, short};
use crate::actors::Function;
use crate::model::table::{TableModel, text};
use crate::writes::{removes, text_of, value_of};
use serde_json::Value;
use std::collections::BTreeMap;
use webhooks_model::QueueName;
use webhooks_store::{Item, Write};

/// A recorded notification, by its keys in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

/// A command of an operator to the operations API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Replay(Target),
    Hold(Target),
    Release(Target),
    Resend(Target),
    Outcome(Target),
    /// An acknowledgement, or its withdrawal.
    Acknowledge(Target),
    Unacknowledge(Target),
    /// A pause of one tenant or of all, with its events.
    Pause(Option<String>, String),
    /// A pause of all events of a tenant that ends soon.
    PauseForAWhile(String),
    EndOfPause(Option<String>, String),
    /// All notifications of a tenant or of all known ones, or only those that were given up.
    ReplayAll {
        tenant: Option<String>,
        only_given_up: bool,
    },
    /// A resend of the parked feedback of a tenant or of all, or only of refused feedback.
    ResendAll {
        tenant: Option<String>,
        only_refused: bool,
    },
    Redrive(QueueName),
    Erase(String),
    Cancel(String),
    Resume(String),
}

impl Command {
    pub(super) fn begins_a_job(&self) -> bool {
        match self {
            Self::EndOfPause(..) | Self::ReplayAll { .. } | Self::Redrive(_) | Self::Resume(_) | Self::Erase(_) => true,
            Self::ResendAll { .. } => true,
            Self::Replay(_) | Self::Hold(_) | Self::Release(_) | Self::Resend(_) | Self::Outcome(_) => false,
            Self::Acknowledge(_) | Self::Unacknowledge(_) => false,
            Self::Pause(..) | Self::PauseForAWhile(_) | Self::Cancel(_) => false,
        }
    }
}

/// The target of a command, as far as it is known when the command is given.
#[derive(Debug, Default)]
pub(crate) struct Meant {
    /// The notifications that match a filter.
    pub(crate) notifications: Vec<String>,
    /// The notifications whose parked feedback matches a filter.
    pub(crate) feedbacks: Vec<String>,
    /// The dead letters of a queue, by id.
    pub(crate) letters: Vec<u64>,
}

/// What was seen of resends, by sort key.
#[derive(Debug, Default)]
pub(crate) struct Resends {
    /// When a write last set the feedback of a notification or its mark.
    moved: BTreeMap<String, u64>,
    /// How often a job recorded a resend of the feedback.
    written: BTreeMap<String, usize>,
    /// How often a job sent a message about it to the queue.
    sent: BTreeMap<String, usize>,
    /// Whether a job has read an index that lagged behind.
    pub(crate) index_lagged: bool,
    /// Whether feedback that was parked again may look older than the job.
    pub(crate) clocks_differ: bool,
}

impl Resends {
    pub(super) fn has_written(&self, sort_key: &str) -> bool {
        self.written.contains_key(sort_key)
    }
}

impl Checks {
    /// Called with each write of a record that is carried out.
    pub(super) fn feedback_moves(&mut self, function: Function, write: &Write, after: &Item) {
        let is_marked = value_of(write, "attention").is_some() || removes(write, "attention");
        if is_marked || value_of(write, "feedback").is_some() {
            self.resends.moved.insert(write.sk.clone(), self.latest_write);
        }
        if function != Function::Repair || text_of(write, "feedback") != Some("queued") {
            return;
        }
        self.meets(Met::ResentByFilter);
        *self.resends.written.entry(write.sk.clone()).or_default() += 1;
        // A job's notes have its id. A late write may park feedback with an earlier time.
        let notes = notes(after);
        let times = notes.iter().filter(|note| Some(*note) == notes.last()).count();
        let allowed = 1 + self.faults as usize;
        if times > allowed && !self.resends.clocks_differ {
            self.commands.found(format!("one job sends the feedback of {} {times} times", short(&write.sk)));
        }
    }

    /// Called when a job sends a message to the feedback queue.
    pub(crate) fn job_sends(&mut self, message: &str) {
        let message: Value = serde_json::from_str(message).unwrap_or_default();
        let key = format!("N#{}", message["notification"]["id"].as_str().unwrap_or_default());
        let sent = self.resends.sent.entry(key.clone()).or_default();
        *sent += 1;
        let (sent, written) = (*sent, self.resends.written.get(&key).copied().unwrap_or_default());
        if sent > written {
            let what = format!("jobs send the feedback of {} {sent} times, and wrote {written} down", short(&key));
            self.commands.found(what);
        }
    }

    /// Feedback that an accepted resend by filter selected, and that has not changed since. It may
    /// be hidden by an index that lags, or left out by a cancelled job.
    pub(super) fn overlooked_feedback(&self) -> Option<String> {
        if self.resends.index_lagged || self.commands.has_cancelled() {
            return None;
        }
        self.commands.resends_by_filter().find_map(|(since, meant)| {
            let is_still = |key: &&String| self.resends.moved.get(*key).is_none_or(|at| *at < since);
            let key = meant.iter().find(is_still)?;
            Some(format!("a resend by filter was accepted, and left the feedback of {} out", short(key)))
        })
    }

    /// A resend that the job recorded but did not send, although there was no fault.
    pub(super) fn unsent_feedback(&self, table: &TableModel) -> Option<String> {
        self.commands.resends_by_filter().find_map(|(_, meant)| {
            let is_queued = |key: &&String| records(table, key).any(|item| text(item, "feedback") == Some("queued"));
            let key = meant.iter().find(is_queued)?;
            Some(format!("a resend by filter was accepted, and left the feedback of {} to the reconciler", short(key)))
        })
    }
}

/// The notes of operators and jobs about their actions on it, in order.
fn notes(item: &Item) -> Vec<&str> {
    let lines = item.get("actions").and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    lines.iter().filter_map(|line| text(line.as_m().ok()?, "note")).collect()
}
