//! Probes evaluate each write's condition on items that it must refuse. A wrong condition would
//! break an invariant only in a race; a probe needs no race.

use super::command::waits_for_operator;
use super::in_motion::{FINAL, is_terminal, record, state};
use super::marks::ACKNOWLEDGED;
use super::{Checks, Invariant, short};
use crate::actors::{Function, RETENTION};
use crate::cargo::as_sent;
use crate::model::expression::{Placeholders, holds};
use crate::model::table::TableModel;
use crate::writes::{clauses, removes, text_of, value_of};
use aws_sdk_dynamodb::types::AttributeValue;
use time::{Duration, OffsetDateTime};
use webhooks_store::{Item, Write};

const FAR_FUTURE: &str = "9999-12-31T23:59:59.999Z";
const HOUR_IN_TICKS: i64 = 36_000_000_000;
const NEWEST: &str = "9223372036854775807";
/// Marks for a person.
const FOR_A_PERSON: [&str; 7] = [
    "dead",
    "parked",
    "unparseable",
    "paused",
    "feedback_parked",
    "acknowledged#parked",
    "acknowledged#feedback_parked",
];
/// Times that change when there is something new to see.
const CHANGES: [&str; 4] = ["attention_at", "updated_at", "ended_at", "feedback_at"];
/// An attempt may use a time that it read before the clock jumped, by at most a day.
pub(super) const OLD_NEWS: Duration = Duration::days(2);

/// The author and the time of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) function: Function,
    pub(crate) instance: usize,
    pub(crate) now: OffsetDateTime,
}

impl Checks {
    /// Called when the write is requested, before it is carried out.
    pub(crate) fn asked_to_write(&mut self, writer: Writer, write: &Write, table: &TableModel) {
        match (write.sk.as_str(), writer.function) {
            ("HEAD", _) => self.head_is_guarded(writer.instance, write, table),
            (key, _) if key.starts_with("SWEEP#") => self.watermark_is_guarded(write),
            (key, Function::Processor) if key.starts_with("N#") => self.state_is_guarded(write),
            (key, Function::Feedback) if key.starts_with("N#") => self.answer_is_guarded(write),
            (key, Function::Reconciler) if key.starts_with("N#") => self.mark_is_guarded(write),
            (key, Function::Repair) if key.starts_with("N#") => self.resend_is_guarded(write),
            (key, Function::Operations) if key.starts_with("N#") => self.acknowledgement_is_guarded(write),
            _ => {}
        }
        self.expires_in_time(write, writer.now);
        self.meets_clocks(writer, write);
        self.meets_a_sweep(writer, write);
    }

    /// At the last receipt of a message, an attempt acts only after the notification is recorded as
    /// dead. One that was released meanwhile has another message.
    pub(crate) fn goes_to_work(&mut self, instance: usize, notification: &str, table: &TableModel) {
        let key = as_sent(&format!("N#{notification}"));
        let is_last = self.last_attempts.get(&instance).is_some_and(|last| last.contains(&key));
        let is_written = state(table, &key).is_some_and(is_terminal) || self.may_be_erased(&key);
        let is_visible = is_written || waits_for_operator(record(table, &key));
        self.require(!is_last || is_visible, Invariant::OneTerminalState, || {
            format!(
                "the last attempt at {} works before it is recorded, so its death would leave no trace",
                short(&key)
            )
        });
    }

    fn must_refuse(&mut self, write: &Write, item: &Item, invariant: Invariant, what: &str) {
        let placeholders = Placeholders { names: &write.names, values: &write.values };
        let passes = write.condition.as_ref().is_none_or(|condition| holds(condition, placeholders, item));
        self.require(!passes, invariant, || format!("a write to {} would {what}", write.sk));
    }

    fn watermark_is_guarded(&mut self, write: &Write) {
        if value_of(write, "swept_to").is_some() {
            let later = item(&[("swept_to", FAR_FUTURE)]);
            self.must_refuse(write, &later, Invariant::ForwardOnly, "move a watermark back");
        }
    }

    fn head_is_guarded(&mut self, instance: usize, write: &Write, table: &TableModel) {
        let Some(own) = text_of(write, "notification") else { return };
        self.goes_to_work(instance, own, table);
        let mut same = item(&[("notification", "somebody else's")]);
        for (left, right) in clauses(write).set {
            let version = write.names.get(left).filter(|name| name.starts_with("version_"));
            if let (Some(name), Some(at)) = (version, write.values.get(right)) {
                same.insert(name.clone(), at.clone());
            }
        }
        let mut newer = same.clone();
        let versions = newer.iter_mut().filter(|(name, _)| name.starts_with("version_"));
        versions.for_each(|(_, at)| *at = an_hour_later(at));
        self.must_refuse(write, &newer, Invariant::ForwardOnly, "overwrite a newer version");
        if self.is_repeated(instance, own, &write.pk) && !self.may_be_erased(&format!("N#{own}")) {
            let what = "treat known content under another id as news";
            self.must_refuse(write, &same, Invariant::ForwardOnly, what);
        }
        if value_of(write, "deleted") == Some(&AttributeValue::Bool(false)) {
            same.insert("deleted".to_owned(), AttributeValue::Bool(true));
            self.must_refuse(write, &same, Invariant::ForwardOnly, "undo a deletion of the same version");
        }
    }

    fn state_is_guarded(&mut self, write: &Write) {
        let Some(next) = text_of(write, "state") else { return };
        for end in FINAL {
            self.must_refuse(write, &item(&[("state", end)]), Invariant::ForwardOnly, "change an end");
        }
        if text_of(write, "reason") == Some("lost") {
            let parked = item(&[("state", "parked")]);
            self.must_refuse(write, &parked, Invariant::ForwardOnly, "overwrite a parked record with a late mark");
        }
        let stays: &[&str] = if next == "retrying" { &["dead", "parked", "paused"] } else { &[] };
        for &known in stays {
            let what = format!("let a failed attempt change what is {known}");
            self.must_refuse(write, &item(&[("state", known)]), Invariant::ForwardOnly, &what);
        }
        if !FINAL.contains(&next) {
            let held = item(&[("state", "parked"), ("reason", "held")]);
            self.must_refuse(write, &held, Invariant::CommandIsKept, "end a hold without a good end");
        }
    }

    fn answer_is_guarded(&mut self, write: &Write) {
        if value_of(write, "feedback_at").is_some() {
            let sent = item(&[("state", "processed"), ("feedback", "sent")]);
            self.must_refuse(write, &sent, Invariant::OneFeedback, "change an answer that Visma Net accepted");
        }
        if !text_of(write, "attention").is_some_and(|mark| mark.starts_with("feedback_limited#")) {
            return;
        }
        let again = item(&[("state", "retrying"), ("feedback", "queued"), ("attention", "feedback_queued")]);
        self.must_refuse(write, &again, Invariant::OneFeedback, "let feedback wait in a record that has not ended");
        for (feedback, mark) in ["queued", "awaited"].into_iter().flat_map(|one| FOR_A_PERSON.map(|mark| (one, mark))) {
            let known = item(&[("state", "processed"), ("feedback", feedback), ("attention", mark)]);
            self.must_refuse(write, &known, Invariant::OneTerminalState, "hide a record that needs a person");
        }
    }

    fn mark_is_guarded(&mut self, write: &Write) {
        if text_of(write, "feedback") == Some("queued") {
            for decided in ["sent", "queued", "parked", "none"] {
                let known = item(&[("feedback", decided)]);
                self.must_refuse(write, &known, Invariant::OneFeedback, "decide again what was decided before");
            }
            for sign in ["feedback_attempts", "outcome_at"] {
                let mut come = item(&[("feedback", "awaited"), ("feedback_deadline", FAR_FUTURE)]);
                come.insert(sign.to_owned(), AttributeValue::L(Vec::new()));
                self.must_refuse(write, &come, Invariant::OneFeedback, "give up an outcome that has come");
            }
        } else if let Some(mark) = text_of(write, "attention") {
            let feedback = if mark == "awaited" { "awaited" } else { "queued" };
            for other in FOR_A_PERSON {
                let known = item(&[("state", "retrying"), ("feedback", feedback), ("attention", other)]);
                self.must_refuse(write, &known, Invariant::OneTerminalState, "hide a record that needs a person");
            }
            let over = item(&[("state", "processed"), ("feedback", "sent")]);
            self.must_refuse(write, &over, Invariant::OneTerminalState, "mark a record that waits for nothing");
        } else if removes(write, "attention") {
            let parked = item(&[("state", "parked"), ("attention", "parked")]);
            self.must_refuse(write, &parked, Invariant::OneTerminalState, "hide a record that needs a person");
        }
    }

    /// A job does not resend feedback that is on its way or that Visma Net accepted.
    fn resend_is_guarded(&mut self, write: &Write) {
        let is_resend = text_of(write, "feedback") == Some("queued");
        for decided in ["sent", "queued", "awaited", "none"].into_iter().filter(|_| is_resend) {
            let known = item(&[("feedback", decided), ("attention", "feedback_parked")]);
            self.must_refuse_for_good(write, known, &format!("send a feedback again that is {decided}"));
        }
    }

    fn acknowledgement_is_guarded(&mut self, write: &Write) {
        let Some(kind) = text_of(write, "attention").and_then(|mark| mark.strip_prefix(ACKNOWLEDGED)) else { return };
        for change in CHANGES {
            let newer = item(&[("attention", kind), (change, FAR_FUTURE)]);
            self.must_refuse_for_good(write, newer, "hide a failure that came after the operator looked");
        }
    }

    /// An operator or a job writes items with and without an expiry under different conditions.
    fn must_refuse_for_good(&mut self, write: &Write, mut item: Item, what: &str) {
        self.must_refuse(write, &item, Invariant::CommandIsKept, what);
        item.insert("expires_at".to_owned(), AttributeValue::N(NEWEST.to_owned()));
        self.must_refuse(write, &item, Invariant::CommandIsKept, what);
    }

    /// Items of a notification outlast every repetition of it, and are not kept for ever.
    fn expires_in_time(&mut self, write: &Write, now: OffsetDateTime) {
        let is_held_to_it = ["N#", "HEAD", "SWEEP#"].iter().any(|start| write.sk.starts_with(start));
        let end = value_of(write, "expires_at").and_then(|value| value.as_n().ok()?.parse::<i64>().ok());
        let Some(end) = end.filter(|_| is_held_to_it) else { return };
        let latest = now + RETENTION;
        let is_right = ((latest - OLD_NEWS).unix_timestamp()..=latest.unix_timestamp()).contains(&end);
        self.require(is_right, Invariant::ForwardOnly, || {
            format!("{} would expire {} seconds from now", write.sk, end - now.unix_timestamp())
        });
    }
}

/// A version further ahead would count as none.
fn an_hour_later(version: &AttributeValue) -> AttributeValue {
    let ticks: i64 = version.as_n().ok().and_then(|number| number.parse().ok()).expect("a version is a number");
    AttributeValue::N((ticks + HOUR_IN_TICKS).to_string())
}

fn item(attributes: &[(&str, &str)]) -> Item {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned()))).collect()
}
