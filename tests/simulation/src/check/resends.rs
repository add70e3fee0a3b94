//! Parked feedback that a job sends again: one message each time it is written down, and none of it is left out.

use super::in_motion::{record, text};
use super::{Checks, Met, short};
use crate::actors::Function;
use crate::model::table::TableModel;
use crate::writes::{removes, text_of, value_of};
use serde_json::Value;
use std::collections::BTreeMap;
use webhooks_store::{Item, Write};

/// By sort key.
#[derive(Debug, Default)]
pub(crate) struct Resends {
    /// When a write last set the feedback of a notification, or its mark.
    moved: BTreeMap<String, u64>,
    /// How often a job wrote down that a feedback is on its way.
    written: BTreeMap<String, usize>,
    /// How often a job asked the queue to take a message about it.
    sent: BTreeMap<String, usize>,
    /// A job has read an index that showed what was before.
    pub(crate) index_lagged: bool,
    /// So something that was parked again may look older than the job.
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
        // A job's notes bear its id. A write that lands late may park a feedback as of before.
        let notes = notes(after);
        let times = notes.iter().filter(|note| Some(*note) == notes.last()).count();
        let allowed = 1 + self.faults as usize;
        if times > allowed && !self.resends.clocks_differ {
            self.commands.found(format!("one job sends the feedback of {} {times} times", short(&write.sk)));
        }
    }

    /// Called when a job asks the feedback queue to take a message.
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

    /// What an accepted resend by filter meant, and nothing has moved since. A lagging index may hide it, and a job that was
    /// cancelled does not reach it.
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

    /// What the job has written down as on its way, and nobody has sent, though nothing went wrong.
    pub(super) fn unsent_feedback(&self, table: &TableModel) -> Option<String> {
        self.commands.resends_by_filter().find_map(|(_, meant)| {
            let is_queued =
                |key: &&String| record(table, key).and_then(|item| text(item, "feedback")) == Some("queued");
            let key = meant.iter().find(is_queued)?;
            Some(format!("a resend by filter was accepted, and left the feedback of {} to the reconciler", short(key)))
        })
    }
}

/// What operators and jobs wrote beside what they did to it, in order.
fn notes(item: &Item) -> Vec<&str> {
    let lines = item.get("actions").and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    lines.iter().filter_map(|line| text(line.as_m().ok()?, "note")).collect()
}
