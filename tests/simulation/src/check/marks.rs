//! Marks and indexes. They are the only way to find what waits, what needs a person, and what came
//! on a day. An acknowledged notification no longer needs attention, until it fails again.

use super::command::{deeds, is_limited};
use super::in_motion::{FINAL, record};
use super::{Checks, Invariant, Met, short};
use crate::actors::Function;
use crate::cargo::as_sent;
use crate::model::table::{TableModel, number, text};
use crate::writes::text_of;
use webhooks_store::{Item, Write};

/// Marks of notifications that continue or need a person, so not of ended ones.
const OF_THE_UNENDED: [&str; 4] = ["retrying", "paused", "parked", "dead"];
pub(super) const LIMITED: &str = "rate_limited#";
pub(super) const ACKNOWLEDGED: &str = "acknowledged#";
const FAILURES: [&str; 3] = ["dead", "parked", "unparseable"];

/// The mark before it was acknowledged.
pub(super) fn unacknowledged(mark: &str) -> &str {
    mark.strip_prefix(ACKNOWLEDGED).unwrap_or(mark)
}

pub(crate) fn is_acknowledged(item: &Item) -> bool {
    text(item, "attention").is_some_and(|mark| mark.starts_with(ACKNOWLEDGED))
}

impl Checks {
    /// Called with each write that is carried out.
    pub(crate) fn landed(&mut self, function: Function, write: &Write, before: Option<&Item>, after: &Item) {
        let sort_key = write.sk.as_str();
        let is_new = before.is_none() && ["N#", "HEAD", "SWEEP#"].iter().any(|start| sort_key.starts_with(start));
        let has_end = after.contains_key("expires_at") || is_kept(after);
        self.require(!is_new || has_end, Invariant::ForwardOnly, || format!("{sort_key} is written without an expiry"));
        if !sort_key.starts_with("N#") {
            return;
        }
        if after.contains_key("answered_with") {
            self.meets(Met::WaitedTogether);
        }
        self.mark_fits(sort_key, before, after);
        self.is_listed(sort_key, after);
        self.acknowledgement_fits(function, write, before, after);
        self.feedback_moves(function, write, after);
        let is_dead = text(after, "state") == Some("dead");
        if is_dead {
            self.were_dead.insert(as_sent(sort_key));
        }
        // Its message may be deleted after that, and no attempt would repeat a late write.
        if function == Function::Feedback && is_limited(after) {
            self.meets(Met::FeedbackWaited);
        }
        let may_wait = matches!(text(after, "state"), Some("parked" | "paused")) || is_limited(after);
        // Feedback that a job has recorded is watched, whether or not its message is sent.
        let is_watched = matches!(function, Function::Reconciler | Function::Repair);
        if may_wait || (is_watched && text(after, "feedback") == Some("queued")) {
            self.left_to_reconciler.insert(as_sent(sort_key));
        }
    }

    /// While a person must look at it, or while it waits, one list has it.
    fn is_listed(&mut self, sort_key: &str, after: &Item) {
        let (Some(state), mark) = (text(after, "state"), text(after, "attention")) else { return };
        let (mark, feedback) = (mark.map(unacknowledged), text(after, "feedback"));
        let fits = match (state, mark) {
            ("retrying", mark) => mark.is_some_and(|mark| mark != "feedback_parked"),
            ("paused", mark) => mark == Some("paused"),
            // Its place in the feed may have passed when it was closed.
            ("superseded", mark) if after.contains_key("moved_to") && feedback == Some("queued") => {
                mark.is_some_and(|mark| mark.starts_with("feedback_"))
            }
            ("processed" | "superseded", mark) => feedback != Some("parked") || mark == Some("feedback_parked"),
            (_, Some("feedback_parked")) => feedback == Some("parked"),
            (_, Some("feedback_queued")) => feedback == Some("queued"),
            (state, mark) => mark == Some(state),
        };
        self.require(fits, Invariant::OneTerminalState, || {
            format!("{} is {state}, its feedback {feedback:?}, its mark {mark:?}", short(sort_key))
        });
    }

    /// Records replays. A repeated replay records no end, so it queues no feedback.
    pub(crate) fn replayed(&mut self, keys: Vec<String>) {
        self.left_to_reconciler.extend(keys);
    }

    /// Called with each write of a record that is carried out.
    fn acknowledgement_fits(&mut self, function: Function, write: &Write, before: Option<&Item>, after: &Item) {
        let fails = is_failure(function, write);
        if fails && before.is_some_and(is_acknowledged) {
            self.meets(Met::FailedAgain);
        }
        let is_new = deeds(after).count() > before.map_or(0, |before| deeds(before).count());
        let wrong = match (deeds(after).last().filter(|_| is_new), is_acknowledged(after)) {
            (Some("acknowledge"), false) => "is acknowledged, and still asks for attention",
            (Some("unacknowledge"), true) => "is brought back, and still counts as acknowledged",
            (_, true) if fails => "fails again, and still counts as acknowledged",
            _ => return,
        };
        self.commands.found(format!("{} {wrong}", short(&write.sk)));
    }

    fn mark_fits(&mut self, sort_key: &str, before: Option<&Item>, after: &Item) {
        let (Some(state), mark) = (text(after, "state"), text(after, "attention")) else { return };
        if before.and_then(|before| text(before, "state")) == Some(state) {
            return;
        }
        let own = mark.map(unacknowledged);
        let is_of_unended = own.is_some_and(|mark| OF_THE_UNENDED.contains(&mark) || mark.starts_with(LIMITED));
        let fits = match state {
            "processed" | "superseded" => !is_of_unended,
            "dead" | "unparseable" => mark == Some(state),
            "parked" => mark == Some(state) || text(after, "reason") == Some("held"),
            _ => true,
        };
        self.require(fits, Invariant::OneTerminalState, || {
            format!("{} becomes {state} and has the mark {mark:?}", short(sort_key))
        });
    }

    /// Called when queues are empty and dead letters were redriven, before the reconciler runs. All
    /// notifications that it has not touched have ended without it, despite all faults.
    pub(crate) fn ended_without_the_reconciler(&mut self, table: &TableModel) {
        for key in self.accepted.clone() {
            if self.left_to_reconciler.contains(&key) {
                continue;
            }
            let item = record(table, &key);
            let state = item.and_then(|item| text(item, "state"));
            let has_end = state.is_some_and(|state| FINAL.contains(&state) || state == "dead");
            self.require(has_end, Invariant::OneTerminalState, || {
                format!("{} is left to the reconciler in state {state:?}", short(&key))
            });
            let is_queued = item.and_then(|item| text(item, "feedback")) == Some("queued");
            // One message may have died while another ended the notification without knowing the
            // answer.
            let by_several =
                self.were_dead.contains(&key) && self.times_taken.get(&key).is_some_and(|times| *times > 1);
            self.require(!is_queued || by_several, Invariant::OneFeedback, || {
                format!("the feedback of {} is left to the reconciler", short(&key))
            });
        }
    }

    pub(super) fn marks_at_rest(&mut self, table: &TableModel) {
        for item in table.items() {
            let Some(sort_key) = text(item, "sk").filter(|key| key.starts_with("N#")) else { continue };
            if let Some(wrong) = wrong_mark(item) {
                self.violated(Invariant::OneTerminalState, format!("{} at rest: {wrong}", short(sort_key)));
            }
        }
    }

    /// A raw item that is kept in parts has all of them, until something expires.
    pub(super) fn raw_items_are_whole(&mut self, table: &TableModel) {
        if self.met.contains(&Met::Expired) {
            return;
        }
        for item in table.items() {
            let keys = text(item, "pk").zip(text(item, "sk"));
            let Some(((pk, sk), parts)) = keys.zip(number(item, "raw_parts")) else { continue };
            let part_key = sk.replacen("N#", "RAW#", 1);
            let is_whole = (0..parts).all(|part| table.get(pk, &format!("{part_key}#{part}")).is_some());
            let is_right = is_whole || self.may_be_erased(sk);
            self.require(is_right, Invariant::OneTerminalState, || {
                format!("{} has lost a part of its raw item", short(sk))
            });
        }
    }
}

fn wrong_mark(item: &Item) -> Option<String> {
    let (state, mark) = (text(item, "state")?, text(item, "attention").map(unacknowledged));
    if mark.is_some() != item.contains_key("attention_at") {
        return Some(format!("{mark:?} is not in the index"));
    }
    let (received, _) = text(item, "feed_at").unwrap_or_default().split_once('#').unwrap_or_default();
    let (tenant, _) = text(item, "pk").unwrap_or_default().split_once('#').unwrap_or_default();
    if text(item, "feed") != Some(&format!("{tenant}#{}", received.get(..10).unwrap_or("no day"))) {
        return Some(format!("{:?} is not its day in the feed", text(item, "feed")));
    }
    let feedback = text(item, "feedback");
    let refused = (feedback == Some("parked")).then_some("feedback_parked");
    let fits = match state {
        "processed" | "superseded" => mark == refused,
        "dead" | "parked" | "unparseable" => mark == Some(state) || (mark.is_some() && mark == refused),
        _ => true,
    };
    (!fits).then(|| format!("{state}, its feedback {feedback:?}, its mark {mark:?}"))
}

/// Whether an operator makes it wait.
fn is_kept(item: &Item) -> bool {
    let state = text(item, "state");
    state == Some("paused") || (state == Some("parked") && text(item, "reason") == Some("held"))
}

/// Whether a person must look at the notification or at its feedback.
fn is_failure(function: Function, write: &Write) -> bool {
    match function {
        Function::Processor => text_of(write, "state").is_some_and(|state| FAILURES.contains(&state)),
        Function::Feedback => text_of(write, "feedback") == Some("parked"),
        _ => false,
    }
}
