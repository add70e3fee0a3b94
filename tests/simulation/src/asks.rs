//! The layer between the functions and the models. The checks see each request, and a planted bug
//! changes the request or its answer.

use crate::actors::{Function, RETENTION};
use crate::cargo::Named;
use crate::check::{Invariant, Met, Writer};
use crate::model::secrets::Reading;
use crate::model::table::text;
use crate::operator::KNOWN_TENANT;
use crate::planted::{Planted, Sabotage};
use crate::world::{Name, World};
use crate::writes::{admit, keep_first, leave_in_place, leave_unset, put_value, received_at, text_of, value_of};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use time::Duration;
use webhooks_model::Delivery;
use webhooks_store::{Item, Query, QueryPage, Write};

const ENDS: [&str; 3] = ["processed", "superseded", "unparseable"];
/// How long a planted bug reads the same settings again.
const SERVED_FOR: Duration = Duration::minutes(4);
/// The length of a part of a raw item, in bytes.
const LONGEST_PART: usize = 256 * 1024;
const FEED: &str = "SWEEP#unended";
const MARK: [&str; 2] = ["attention", "attention_at"];

impl World {
    /// The write to carry out. `None` if a planted bug drops it but reports success.
    pub(crate) fn asks_to_write(&mut self, instance: usize, mut write: Write) -> Option<Write> {
        let function = self.actors[instance].function;
        if let Some(bug) = self.planted {
            let is_record = write.sk.starts_with("N#");
            match function {
                _ if write.sk == "HEAD" => in_head(bug, &mut write),
                Function::Processor if is_record => self.in_record(bug, instance, &mut write)?,
                Function::Processor => in_allowance(bug, &mut write),
                Function::Feedback if is_record => in_answer(bug, &mut write),
                Function::Reconciler => in_mark(bug, &mut write),
                _ => {}
            }
            let is_failure = matches!(function, Function::Processor | Function::Feedback);
            match bug {
                Planted::LastPartLost if is_last_part(&write) => return None,
                Planted::FirstExpiryStays => keep_first(&mut write, "expires_at"),
                Planted::AcknowledgedForGood if is_failure => self.leaves_acknowledged(&mut write),
                _ => {}
            }
        }
        if function == Function::Processor && write.sk.starts_with("N#") {
            self.names_fit(instance, &write);
        }
        let writer = Writer { function, instance, now: self.clock_of(instance) };
        let World { checks, table, .. } = self;
        checks.asked_to_write(writer, &write, table);
        Some(write)
    }

    /// Leaves out the mark if the same one is acknowledged.
    fn leaves_acknowledged(&self, write: &mut Write) {
        let known = self.table.get(&write.pk, &write.sk).and_then(|item| text(item, "attention"));
        let kind = known.and_then(|mark| mark.strip_prefix("acknowledged#"));
        if kind.is_some() && kind == text_of(write, "attention") {
            leave_unset(write, "attention");
        }
    }

    pub(crate) fn goes_to_work(&mut self, instance: usize, notification: &str) {
        let World { checks, table, .. } = self;
        checks.goes_to_work(instance, notification, table);
    }

    /// Whether a planted bug drops a message but reports success.
    pub(crate) fn asks_to_send(&mut self, instance: usize, queue: Name, body: &str) -> bool {
        let function = self.actors[instance].function;
        let delivery = if queue == Name::Notifications { Delivery::from_message(body).ok() } else { None };
        let is_replay = delivery.is_some_and(|delivery| delivery.meta.replays.is_some());
        if is_replay {
            self.checks.replayed(crate::cargo::of(body));
        }
        if queue == Name::Events {
            self.goes_by_settings(body);
            let World { checks, table, .. } = self;
            checks.asks_to_publish(instance, body, table);
        }
        if self.is_planted(Planted::EventTwice) && queue == Name::Events {
            self.send(instance, None, queue, body.to_owned(), None);
        }
        let is_forgotten = match self.planted {
            Some(Planted::DeathUnanswered) => queue == Name::Feedback && self.is_about_dead(body),
            Some(Planted::FreshMessageForgotten) => function == Function::Processor && queue == Name::Notifications,
            Some(Planted::ReleasedWithoutMessage) => function == Function::Reconciler && is_replay,
            Some(Planted::ResentWithoutMessage) => function == Function::Repair && queue == Name::Feedback,
            Some(Planted::PauseEndsInSilence) => function == Function::Reconciler && queue == Name::Repairs,
            _ => false,
        };
        if !is_forgotten {
            if function == Function::Repair && queue == Name::Feedback {
                self.checks.job_sends(body);
            }
            self.looks_at_feedback(instance, queue, body);
        }
        is_forgotten
    }

    /// The settings document that an environment reads.
    pub(crate) fn settings_for(&mut self, instance: usize) -> String {
        let is_processor = self.actors[instance].function == Function::Processor;
        let document = self.secrets.document(Reading {
            endless: self.is(Sabotage::ExpiredSecretsLive),
            newest_only: self.is_planted(Planted::OldSecretRefused),
            first_route: is_processor && self.is_planted(Planted::SettingsKeptForEver),
            first_names: is_processor && self.is_planted(Planted::NamesKeptForEver),
        });
        let now = self.now;
        if !is_processor || !self.is_planted(Planted::NamesNotReadAgain) {
            return document;
        }
        let (read_at, known) = self.served.entry(instance).or_insert_with(|| (now, document.clone()));
        if now - *read_at >= SERVED_FOR {
            (*read_at, *known) = (now, document);
        }
        known.clone()
    }

    /// A planted bug writes the decided answer again in the current language.
    pub(crate) fn retells(&self, description: &mut String) {
        if self.is_planted(Planted::RetoldInOtherLanguage) && self.secrets.language() != "en" {
            description.push_str(" (nb)");
        }
    }

    /// Called during an attempt: no attempt may use settings that were replaced long ago.
    fn goes_by_settings(&mut self, event: &str) {
        let event: serde_json::Value = serde_json::from_str(event).unwrap_or_default();
        let mode = event["data"]["feedback"].as_str().unwrap_or_default();
        if event["data"]["kind"] != "action" {
            return;
        }
        let key = format!("N#{}", event["id"].as_str().unwrap_or_default());
        // The first of several items under one id has the answer.
        if self.erp.sent.get(&key).is_some_and(|sent| sent.id.is_none()) {
            return self.checks.require(mode == "none", Invariant::OneFeedback, || {
                format!("{key} is published as if it had an answer of its own: {mode}")
            });
        }
        if mode != self.secrets.mode() {
            self.checks.meets(Met::OldSettings);
        }
        let is_known = self.secrets.may_say(mode, self.now);
        self.checks.require(is_known, Invariant::ForwardOnly, || {
            format!("an action is answered {mode}, by settings that were replaced long ago")
        });
    }

    /// After a fault, an instance may queue feedback that it could not record.
    fn looks_at_feedback(&mut self, instance: usize, queue: Name, body: &str) {
        let is_touched = self.touched.get(&instance).copied().unwrap_or_default();
        if queue == Name::Feedback && !is_touched {
            let World { checks, table, .. } = self;
            checks.queues_feedback(body, table);
        }
    }

    fn is_about_dead(&self, message: &str) -> bool {
        let message: serde_json::Value = serde_json::from_str(message).unwrap_or_default();
        let id = message["notification"]["id"].as_str().unwrap_or_default();
        let is_it = |item: &&Item| text(item, "sk").is_some_and(|key| key.trim_start_matches("N#") == id);
        self.table.items().find(is_it).and_then(|item| text(item, "state")) == Some("dead")
    }

    /// The result of a read of several keys.
    pub(crate) fn reads(&mut self, instance: usize, mut items: Vec<Item>) -> Vec<Item> {
        if self.actors[instance].function != Function::Feedback {
            return items;
        }
        self.checks.read_answers(instance, &items);
        if self.is_planted(Planted::ContradictingOutcome) {
            for item in items.iter_mut().filter(|item| item.contains_key("feedback_description")) {
                item.insert("feedback".to_owned(), AttributeValue::S("awaited".to_owned()));
                item.remove("feedback_description");
            }
        }
        if self.is_planted(Planted::SentUnderAnothersId) {
            for item in &mut items {
                let in_header = text(item, "sk").and_then(|key| self.id_in_header(key)).map(str::to_owned);
                item.extend(in_header.map(|id| ("header_id".to_owned(), AttributeValue::S(id))));
            }
        }
        items
    }

    /// The id in the header of the delivery with this notification.
    fn id_in_header(&self, sort_key: &str) -> Option<&str> {
        let (_, own) = sort_key.split_once('.').filter(|(_, own)| !own.is_empty())?;
        let mut deliveries = self.erp.deliveries.iter();
        let holding = deliveries.find(|delivery| String::from_utf8_lossy(&delivery.body).contains(own))?;
        Named::by(&holding.headers).id
    }

    /// The result of a query. The processor queries everything with the content of a notification.
    pub(crate) fn finds(&mut self, instance: usize, query: &Query, lags: bool) -> QueryPage {
        let cut = self.cut();
        let page = self.table.query(query, lags, cut);
        let items = self.shows(instance, query, lags, page.items);
        let last_evaluated = page.last_evaluated.filter(|_| !self.is_planted(Planted::FirstPageOnly));
        QueryPage { items, last_evaluated, ..page }
    }

    fn shows(&mut self, instance: usize, query: &Query, lags: bool, mut found: Vec<Item>) -> Vec<Item> {
        let unnoticed = match self.actors[instance].function {
            Function::Processor => self.is_planted(Planted::ErasureUnnoticed),
            Function::Reconciler => self.is_planted(Planted::ErasureUnseenBySweep),
            _ => false,
        };
        if unnoticed {
            found.retain(|item| !item.contains_key("erased_at"));
        }
        if self.is_planted(Planted::KnownTenantsForgotten) && self.actors[instance].function == Function::Repair {
            found.retain(|item| text(item, "attention") != Some(KNOWN_TENANT));
        }
        self.checks.resends.index_lagged |= lags && self.actors[instance].function == Function::Repair;
        let content = query.values.get(":content").and_then(|content| content.as_s().ok()).cloned();
        let (Some(bug), Some(content)) = (self.planted, content) else { return found };
        let was_refused = self.refused.remove(&(instance, content));
        let hidden = match bug {
            Planted::RedrivenTwin if !was_refused => "delivery",
            Planted::OvertakenTwin if was_refused => "delivery",
            Planted::RepeatForgetsFeedback if !was_refused => "feedback",
            Planted::RepetitionUnderOtherId => {
                found.retain(|item| text(item, "sk").is_some_and(|key| self.checks.is_at_work(instance, key)));
                return found;
            }
            _ => return found,
        };
        for item in found.iter_mut().filter(|item| text(item, "state").is_some_and(|state| ENDS.contains(&state))) {
            item.remove(hidden);
        }
        found
    }

    /// Whether a planted bug reports a refused write as carried out.
    pub(crate) fn hides_refusal(&mut self, instance: usize, sort_key: &str) -> bool {
        if self.planted.is_some() && sort_key.starts_with("N#") {
            let content = sort_key.get(.."N#".len() + 24).unwrap_or(sort_key);
            self.refused.insert((instance, content.to_owned()));
        }
        sort_key == "HEAD" && self.is_planted(Planted::HeadRefusalIgnored)
    }

    pub(crate) fn is_planted(&self, bug: Planted) -> bool {
        self.planted == Some(bug)
    }

    /// Changes the processor's write of a notification. `None` if a planted bug drops it.
    fn in_record(&mut self, bug: Planted, instance: usize, write: &mut Write) -> Option<()> {
        let state = text_of(write, "state").unwrap_or_default().to_owned();
        let is_mark = text_of(write, "reason") == Some("lost");
        let is_ahead = received_at(write).is_some_and(|received| received > self.clock_of(instance));
        match (bug, state.as_str()) {
            (Planted::FeedbackBeforeEnd, "processed" | "superseded") => self.answers_early(instance, write),
            (Planted::LastAttemptUnmarked, "dead") if is_mark => return None,
            (Planted::LateMarkOverParked, "dead" | "retrying") if is_mark => admit(write, "parked"),
            (Planted::MarkKeptWhenSuperseded, "superseded") => MARK.iter().for_each(|name| leave_in_place(write, name)),
            (Planted::FailureOverDead, "retrying") => admit(write, "dead"),
            (Planted::FailureEndsPause, "retrying") => admit(write, "paused"),
            (Planted::ReceivedAheadForgotten, "parked" | "unparseable") if is_ahead => return None,
            (Planted::EndOverEnd, "processed") => admit(write, "superseded"),
            (Planted::RecordKeptForEver, _) => leave_unset(write, "expires_at"),
            (Planted::RecordExpiresEarly, _) => expire_early(write),
            (Planted::FeedForgotten, _) => leave_unset(write, "feed"),
            (Planted::RecordTooLarge, _) => puts_all_in_one(write),
            (Planted::ParkedOutOfIndex, "parked") => leave_unset(write, "attention_at"),
            (Planted::WaitingItemForgotten, _) if value_of(write, "answered_with").is_some() => return None,
            (Planted::VerdictOfItemForgotten, "processed") if text_of(write, "answer_role") == Some("by_first") => {
                leave_unset(write, "feedback_success");
            }
            (Planted::DeadWithoutMark, "dead") => MARK.iter().for_each(|name| leave_unset(write, name)),
            (Planted::LimitedNotWritten, "retrying") => {
                let is_limited = text_of(write, "attention").is_some_and(|mark| mark.starts_with("rate_limited#"));
                return (!is_limited).then_some(());
            }
            _ => {}
        }
        Some(())
    }

    fn answers_early(&mut self, instance: usize, write: &Write) {
        if text_of(write, "feedback") != Some("queued") {
            return;
        }
        let mut names = write.pk.splitn(3, '#');
        let [tenant, entity, key] = [(); 3].map(|()| names.next().unwrap_or_default());
        let notification =
            json!({"tenant": tenant, "entity": entity, "key": key, "id": write.sk.trim_start_matches("N#")});
        let body = json!({"type": "feedback", "notification": notification}).to_string();
        self.looks_at_feedback(instance, Name::Feedback, &body);
        self.send(instance, None, Name::Feedback, body, None);
    }
}

fn in_head(bug: Planted, write: &mut Write) {
    let condition = write.condition.take();
    write.condition = match bug {
        Planted::StrictlyNewerDropped => condition.map(|condition| takes_equal_for_newer(&condition)),
        Planted::DeletionUndone => condition.map(|condition| forgets_deletions(&condition)),
        _ => condition,
    };
    match bug {
        Planted::HeadKeptForEver => leave_unset(write, "expires_at"),
        Planted::DeletionNotShown if value_of(write, "deleted") == Some(&AttributeValue::Bool(true)) => {
            leave_unset(write, "deleted");
        }
        _ => {}
    }
}

/// In a condition that allows only newer versions, the comparison is the last part in parentheses.
fn takes_equal_for_newer(condition: &str) -> String {
    let mut parts = condition.split(" < ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c == ':' || c.is_ascii_alphanumeric());
        whole.push_str(if rest.starts_with(')') { " <= " } else { " < " });
        whole.push_str(part);
    }
    whole
}

fn forgets_deletions(condition: &str) -> String {
    let mut parts = condition.split(" AND NOT ");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole.push_str(part.find(')').map_or(part, |end| &part[end..]));
    }
    whole
}

fn in_allowance(bug: Planted, write: &mut Write) {
    if bug == Planted::AllowanceWithoutMark && write.sk == "ALLOWANCE" {
        MARK.iter().for_each(|name| leave_unset(write, name));
    }
}

fn in_answer(bug: Planted, write: &mut Write) {
    let feedback = text_of(write, "feedback").unwrap_or_default().to_owned();
    match (bug, feedback.as_str()) {
        (Planted::AnswerOverSent, _) => {
            let rest = write.condition.as_deref().and_then(|condition| condition.split_once(" AND "));
            write.condition = rest.map(|(_, rest)| rest.to_owned());
        }
        (Planted::AwaitedMarkKept, "sent") => MARK.iter().for_each(|name| leave_in_place(write, name)),
        (Planted::ParkedFeedbackUnmarked, "parked") => MARK.iter().for_each(|name| leave_unset(write, name)),
        _ => {}
    }
}

fn in_mark(bug: Planted, write: &mut Write) {
    let is_list = write.sk.starts_with("SWEEP#") && write.sk != FEED;
    let is_marked = text_of(write, "attention").is_some();
    match bug {
        Planted::UnconditionalWatermark if is_list => write.condition = None,
        Planted::UnconditionalFeedPlace if write.sk == FEED => write.condition = None,
        Planted::MarkOverPerson if is_marked => {
            if let Some((rest, _)) = write.condition.as_deref().and_then(|condition| condition.split_once(" AND (")) {
                write.condition = Some(rest.to_owned());
            }
        }
        _ => {}
    }
}

fn is_last_part(write: &Write) -> bool {
    let raw = text_of(write, "raw").filter(|_| write.sk.starts_with("RAW#"));
    raw.is_some_and(|raw| raw.len() < LONGEST_PART)
}

/// The record has the raw item of its parts, except the last.
fn puts_all_in_one(write: &mut Write) {
    let parts = value_of(write, "raw_parts").and_then(|parts| parts.as_n().ok()?.parse::<usize>().ok());
    if let Some(parts) = parts {
        put_value(write, "raw_parts", AttributeValue::S("x".repeat((parts - 1) * LONGEST_PART)));
    }
}

fn expire_early(write: &mut Write) {
    let end = value_of(write, "expires_at").and_then(|end| end.as_n().ok()?.parse::<i64>().ok());
    let Some(end) = end else { return };
    let early = end - (RETENTION - Duration::DAY).whole_seconds();
    put_value(write, "expires_at", AttributeValue::N(early.to_string()));
}
