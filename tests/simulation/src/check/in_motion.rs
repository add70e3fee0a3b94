//! Invariants that must hold at every step.

use super::command::{expires, is_released, waits_for_operator};
use super::marks::LIMITED;
use super::{Checks, Invariant, Met, Told, short};
use crate::cargo::{self, as_sent, is_about};
use crate::model::queue::Stored;
use crate::model::size::LARGEST_BODY;
use crate::model::table::{TableModel, number, text};
use crate::world::Name;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use webhooks_store::Item;

const TERMINAL: [&str; 5] = ["processed", "superseded", "unparseable", "parked", "dead"];
/// Kinds of events that only say "look again".
const HINTS: [&str; 4] = ["changed", "updated", "status_changed", "value_changed"];
pub(super) const FINAL: [&str; 3] = ["processed", "superseded", "unparseable"];

/// An answer of intake.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
    /// The number of messages that SQS confirmed, and the number that were sent to it.
    pub(crate) confirmed: &'a [String],
    pub(crate) asked: usize,
}

/// The sender of a request.
pub(crate) struct Asked<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) is_genuine: bool,
    /// Whether anything failed on our side meanwhile.
    pub(crate) touched: bool,
}

impl Checks {
    pub(crate) fn has_ended(&self, sort_key: &str, table: &TableModel) -> bool {
        state(table, sort_key).is_some_and(|state| FINAL.contains(&state))
    }

    pub(crate) fn took(&mut self, message: &str) {
        self.receives(message);
        for key in cargo::of(message) {
            *self.times_taken.entry(key.clone()).or_default() += 1;
            self.accepted.insert(key);
        }
    }

    pub(crate) fn answered(&mut self, asked: &Asked<'_>, answer: &Answer<'_>) {
        use Invariant::{NobodyUnverified, OneWriteBeforeAck};
        let status = answer.status;
        if !asked.is_genuine {
            let kept_out = answer.asked == 0 && !(200..300).contains(&status);
            return self.require(kept_out, NobodyUnverified, || format!("a forged request was answered {status}"));
        }
        self.require(answer.asked <= 1, OneWriteBeforeAck, || format!("{} writes for one request", answer.asked));
        let size = asked.body.len();
        if size > LARGEST_BODY {
            self.meets(Met::BodyTooLarge);
            let is_refused = answer.asked == 0 && (status == 413 || (status == 503 && asked.touched));
            return self.require(is_refused, OneWriteBeforeAck, || {
                format!("a body of {size} bytes was answered {status}, after {} writes", answer.asked)
            });
        }
        if (200..300).contains(&status) {
            if size == LARGEST_BODY {
                self.meets(Met::BodyAtLimit);
            }
            let holds = |message: &String| message.as_bytes().ends_with(asked.body);
            // A message of an earlier request may arrive only now.
            let is_kept = answer.confirmed.iter().any(holds);
            return self.require(is_kept, OneWriteBeforeAck, || format!("{status} before SQS confirmed the raw body"));
        }
        let is_ours = status == 503 && answer.retry_after;
        self.require(is_ours, OneWriteBeforeAck, || format!("a sound delivery was answered {status}"));
        self.require(asked.touched, OneWriteBeforeAck, || format!("{status} though nothing went wrong"));
    }

    /// For an integrator that ignores ids, an event published twice is a repeated message.
    pub(crate) fn consumed(&mut self, event: &str) {
        if !self.consumed.insert(event.to_owned()) {
            self.faults += 1;
            self.commands.read_again += 1;
        }
    }

    pub(crate) fn deleted(&mut self, message: &Stored, others: &[&Stored], table: &TableModel) {
        for key in cargo::of(&message.body) {
            let is_elsewhere = || others.iter().any(|other| cargo::of(&other.body).contains(&key));
            let is_over = state(table, &key).is_some_and(is_terminal);
            let is_safe = is_over || waits(table, &key) || is_elsewhere() || self.may_be_erased(&key);
            self.require(is_safe, Invariant::OneTerminalState, || {
                format!("{} was deleted from the queue in state {:?}", short(&key), state(table, &key))
            });
        }
    }

    /// An undisturbed notification is recorded as dead before it is given up. After a fault, its
    /// message is visible in the dead-letter queue.
    pub(crate) fn dead_lettered(&mut self, from: Name, message: &Stored, table: &TableModel) {
        if from != Name::Notifications || !message.ended_cleanly {
            return;
        }
        for key in cargo::of(&message.body) {
            let is_written = state(table, &key).is_some_and(is_terminal) || self.may_be_erased(&key);
            self.require(is_written || waits(table, &key), Invariant::OneTerminalState, || {
                format!("{} was dead-lettered in state {:?}", short(&key), state(table, &key))
            });
        }
    }

    /// Called with the table before the attempt does anything.
    pub(crate) fn begun(&mut self, instance: usize, bodies: &[String], table: &TableModel) {
        let keys = bodies.iter().flat_map(|body| cargo::of(body));
        let ended = keys.filter(|key| state(table, key).is_some_and(|state| FINAL.contains(&state)));
        self.ended_before.insert(instance, ended.collect());
        self.late.remove(&instance);
        self.timely.remove(&instance);
    }

    pub(crate) fn head_refused(&mut self, instance: usize, notification: Option<String>) {
        self.late.entry(instance).or_default().extend(notification);
    }

    /// After a refusal, an attempt reads whose change the head has: its own, if its twin was
    /// faster.
    pub(crate) fn head_read(&mut self, instance: usize, notification: &str) {
        if self.late.get(&instance).is_some_and(|late| late.contains(notification)) {
            self.timely.entry(instance).or_default().insert(notification.to_owned());
        }
    }

    pub(crate) fn head_advanced(&mut self, instance: usize, notification: Option<String>) {
        self.timely.entry(instance).or_default().extend(notification);
    }

    /// Called when an attempt requests to send an event, since the message may arrive during the
    /// next one.
    pub(crate) fn asks_to_publish(&mut self, instance: usize, event: &str, table: &TableModel) {
        let event: Value = serde_json::from_str(event).expect("an event is JSON");
        let id = event["id"].as_str().unwrap_or_default();
        let key = as_sent(&format!("N#{id}"));
        if self.may_be_erased(&key) {
            return;
        }
        self.leaves_held_alone(instance, &event["data"]["notification"], table);
        let holds =
            |of: &BTreeMap<usize, BTreeSet<String>>, key: &str| of.get(&instance).is_some_and(|set| set.contains(key));
        // A replay repeats the effects on purpose.
        let is_replay = event["data"]["origin"] == "replay";
        let has_ended = !is_replay && holds(&self.ended_before, &key);
        self.require(!has_ended, Invariant::ForwardOnly, || {
            format!("{} had ended, but is published again", short(&key))
        });
        let is_hint = HINTS.iter().any(|kind| event["data"]["kind"] == *kind);
        let is_repeated = self.repeated.get(&instance).is_some_and(|all| all.iter().any(|(known, _)| *known == key));
        let is_late = holds(&self.late, id) && !holds(&self.timely, id);
        let is_needless = (is_hint || is_repeated) && is_late;
        self.require(!is_needless, Invariant::ForwardOnly, || {
            format!("{} came too late, but is published", short(&key))
        });
    }

    pub(crate) fn published(&mut self, event: &str) {
        let mut event: Value = serde_json::from_str(event).expect("an event is JSON");
        let id = event["id"].as_str().unwrap_or_default();
        let key = as_sent(&format!("N#{id}"));
        self.require(self.accepted.contains(&key), Invariant::ForwardOnly, || {
            format!("an event has the id of no notification: {id}")
        });
        self.published_once_more(&key);
        // A repeated attempt asks the ERP again, and may belong to another delivery or a replay.
        for field in ["origin", "resource", "resource_omitted", "status", "detail"] {
            event["data"][field] = Value::Null;
        }
        event["time"] = Value::Null;
        let may_differ = self.routes_were_rewritten && event["data"]["kind"] == "action";
        let mode = event["data"]["feedback"].take().to_string();
        let content = event.to_string();
        let (known, known_mode) = self
            .events
            .entry(key.trim_start_matches("N#").to_owned())
            .or_insert_with(|| (content.clone(), mode.clone()));
        let is_same = *known == content && (may_differ || *known_mode == mode);
        self.require(is_same, Invariant::ForwardOnly, || format!("{} is published with other content", short(&key)));
    }

    pub(crate) fn fetched(&mut self, path: &str) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_%".contains(c);
        let starts = ["v1/", "v2/", "api/v3/"].iter().any(|start| path.starts_with(start));
        let is_safe = starts && path.chars().all(is_plain) && !path.contains("//");
        self.require(is_safe, Invariant::NoForeignUrl, || format!("{path} was requested"));
    }

    /// Checks that the same answer is sent every time, and more than once only after a repetition.
    pub(crate) fn told(&mut self, id: Uuid, told: Told) {
        let taken = self.taken.entry(id).or_default();
        taken.push(told.clone());
        let (count, first) = (taken.len(), taken[0].clone());
        let is_anew = self.answered_anew.contains(&id);
        self.require(first == told || is_anew, Invariant::OneFeedback, || {
            format!("the accountant reads {:?} and then {:?} about {id}", first.description, told.description)
        });
        let allowed = 1 + self.faults as usize;
        self.require(count <= allowed, Invariant::OneFeedback, || format!("feedback {id} was sent {count} times"));
    }

    pub(super) fn taken(&self, id: Uuid) -> &[Told] {
        self.taken.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_published(&self, sort_key: &str) -> bool {
        self.events.contains_key(sort_key.trim_start_matches("N#"))
    }

    pub(crate) fn written(&mut self, sort_key: &str, before: Option<&Item>, after: &Item) {
        if expires(after) {
            self.commands.found(format!("{} waits for an operator, but expires", short(sort_key)));
        }
        let is_final = |item: &Item| text(item, "state").is_some_and(|state| FINAL.contains(&state));
        if sort_key.starts_with("N#") && is_final(after) && !before.is_some_and(is_final) {
            self.commands.reaches_final_state(sort_key, self.latest_write);
        }
        let Some(before) = before else { return };
        let broken = match sort_key {
            "HEAD" => moved_back(before, after),
            _ if sort_key.starts_with("N#") => changed_its_end(before, after),
            _ if sort_key.starts_with("SWEEP#") => {
                (text(after, "swept_to") < text(before, "swept_to")).then(|| "a watermark moved back".to_owned())
            }
            _ => None,
        };
        if let Some(what) = broken {
            let what = if sort_key.starts_with("N#") { format!("{} {what}", short(sort_key)) } else { what };
            self.violated(Invariant::ForwardOnly, what);
        }
    }
}

fn moved_back(before: &Item, after: &Item) -> Option<String> {
    let clocks = ["version_resource", "version_body", "version_received"];
    let is_older = |clock: &&str| number(after, clock) < number(before, clock);
    let older = clocks.into_iter().find(is_older)?;
    Some(format!("a head moved back by {older}"))
}

fn changed_its_end(before: &Item, after: &Item) -> Option<String> {
    let (was, is) = (text(before, "state"), text(after, "state"));
    if (rank(after) < rank(before) && !is_released(before, after)) || (rank(before) == 3 && was != is) {
        return Some(format!("went from {was:?} to {is:?}"));
    }
    let said =
        |item| (text(item, "feedback").map(str::to_owned), text(item, "feedback_description").map(str::to_owned));
    let was_sent = text(before, "feedback") == Some("sent");
    (was_sent && said(before) != said(after)).then(|| "changed its feedback after Visma Net accepted it".to_owned())
}

fn rank(item: &Item) -> u8 {
    match text(item, "state") {
        None => 0,
        Some(state) if FINAL.contains(&state) => 3,
        Some(state) if TERMINAL.contains(&state) => 2,
        Some(_) => 1,
    }
}

pub(super) fn is_terminal(state: &str) -> bool {
    TERMINAL.contains(&state)
}

pub(super) fn state<'a>(table: &'a TableModel, sort_key: &str) -> Option<&'a str> {
    text(record(table, sort_key)?, "state")
}

/// Whether one of its records waits for calls or for an operator.
fn waits(table: &TableModel, sort_key: &str) -> bool {
    let is_limited = |item| text(item, "attention").is_some_and(|mark| mark.starts_with(LIMITED));
    furthest(table, sort_key).any(|item| is_limited(item) || waits_for_operator(Some(item)))
}

/// Its records. Settings that changed in between name it in several ways.
pub(super) fn records<'a>(table: &'a TableModel, sort_key: &str) -> impl Iterator<Item = &'a Item> {
    table.items().filter(move |item| text(item, "sk").is_some_and(|own| is_about(own, sort_key)))
}

/// The record that came furthest. One that continues under another name counts last.
pub(super) fn record<'a>(table: &'a TableModel, sort_key: &str) -> Option<&'a Item> {
    records(table, sort_key).max_by_key(|item| reached(item))
}

/// The records that came as far as the furthest.
pub(super) fn furthest<'a>(table: &'a TableModel, sort_key: &str) -> impl Iterator<Item = &'a Item> {
    let most = record(table, sort_key).map(reached);
    records(table, sort_key).filter(move |item| Some(reached(item)) == most)
}

fn reached(item: &Item) -> u8 {
    if item.contains_key("moved_to") { 0 } else { 1 + rank(item) }
}
