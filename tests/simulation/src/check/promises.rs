//! Promises about one attempt: how often it publishes, when it answers, and what the answer says.
//! Also about one environment, which Visma Net told to wait, or that a token is not valid.

use super::command::held_in;
use super::in_motion::{FINAL, records, state};
use super::{Checks, Invariant, Met, Told, short};
use crate::cargo;
use crate::model::erp::{Erp, Nature};
use crate::model::table::{TableModel, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::sentences::{NOT_ALL, TOGETHER};
use webhooks_store::Item;

impl Checks {
    /// Called with the table before the attempts do anything. `last`: the messages that the queue
    /// will not deliver again.
    pub(crate) fn attempts_begun(&mut self, instance: usize, bodies: &[String], last: &[bool], table: &TableModel) {
        let (mut attempts, mut at_last) = (Vec::new(), BTreeSet::new());
        for (body, is_last) in bodies.iter().zip(last) {
            let keys = cargo::of(body);
            at_last.extend(keys.iter().filter(|_| *is_last).cloned());
            attempts.extend(keys);
        }
        // Of two attempts at the same time, one may be the last.
        at_last.retain(|key| attempts.iter().filter(|one| *one == key).count() == 1);
        let repeated = attempts.iter().flat_map(|key| {
            let ended = ended_under_other_ids(key, table);
            ended.into_iter().map(move |partition| (key.clone(), partition))
        });
        self.repeated.insert(instance, repeated.collect());
        self.last_attempts.insert(instance, at_last);
        self.held_before.insert(instance, held_in(table));
        self.decided.remove(&instance);
        self.meets_the_forgotten(&attempts);
        for key in &attempts {
            *self.attempts.entry(key.clone()).or_default() += 1;
        }
        self.attempted.insert(instance, attempts.into_iter().collect());
    }

    pub(crate) fn attempts_ended(&mut self, instance: usize) {
        self.attempted.remove(&instance);
    }

    /// Called when an attempt deletes its message. `is_overtaken`: SQS has handed it out again.
    pub(crate) fn takes_away(&mut self, instance: usize, keys: Vec<String>, is_overtaken: bool) {
        let others: Vec<usize> = self.attempted.keys().copied().filter(|other| *other != instance).collect();
        let is_left = |key: &String| is_overtaken || others.iter().any(|other| self.is_at_work(*other, key));
        let left: Vec<String> = keys.into_iter().filter(is_left).collect();
        self.out_of_reach.extend(left);
    }

    /// Whether the instance works on it.
    pub(crate) fn is_at_work(&self, instance: usize, key: &str) -> bool {
        self.attempted.get(&instance).is_some_and(|keys| keys.contains(key))
    }

    /// Whether, before the attempt began, the same content had ended well as the same event under
    /// another id.
    pub(super) fn is_repeated(&self, instance: usize, notification: &str, partition: &str) -> bool {
        let is_it = |(key, of): &(String, String)| key.trim_start_matches("N#") == notification && of == partition;
        self.repeated.get(&instance).is_some_and(|repeated| repeated.iter().any(is_it))
    }

    /// Called when an attempt asks to publish. It may have begun before the notification was held, but
    /// not while it is.
    pub(super) fn leaves_held_alone(&mut self, instance: usize, notification: &Value, table: &TableModel) {
        let part = |name: &str| notification[name].as_str().unwrap_or_default();
        let key = (format!("{}#{}#{}", part("tenant"), part("entity"), part("key")), format!("N#{}", part("id")));
        let before = self.held_before.get(&instance).and_then(|held| held.get(&key)).copied();
        let is_held = before.is_some() && held_in(table).get(&key).copied() == before;
        self.require(!is_held, Invariant::CommandIsKept, || format!("{} is held, but published", short(&key.1)));
    }

    /// Checks that an attempt publishes at most once.
    pub(super) fn published_once_more(&mut self, key: &str) {
        let count = self.publications.entry(key.to_owned()).or_default();
        *count += 1;
        let (count, attempts) = (*count, self.attempts.get(key).copied().unwrap_or_default());
        self.require(count <= attempts, Invariant::ForwardOnly, || {
            format!("{} is published {count} times in {attempts} attempts", short(key))
        });
    }

    /// Called by an instance without a fault: it queues feedback only after the ledger has decided
    /// it.
    pub(crate) fn queues_feedback(&mut self, message: &str, table: &TableModel) {
        let message: Value = serde_json::from_str(message).unwrap_or_default();
        let Some(id) = message["notification"]["id"].as_str().filter(|_| message["type"] == "feedback") else { return };
        let key = format!("N#{id}");
        // Settings that lacked the company's number may have left another record under no tenant.
        let is_recorded = records(table, &key).any(|item| item.contains_key("feedback"));
        let is_decided = is_recorded || self.may_be_erased(&key);
        self.require(is_decided, Invariant::OneFeedback, || {
            format!("the feedback of {} is queued before it is decided", short(&key))
        });
    }

    /// Called when the feedback function has read the ledger.
    pub(crate) fn read_answers(&mut self, instance: usize, items: &[Item]) {
        let decided = self.decided.entry(instance).or_default();
        for item in items {
            let Some(key) = text(item, "sk") else { continue };
            let is_decided = matches!(text(item, "feedback"), Some("queued" | "parked"));
            match text(item, "feedback_description").filter(|_| is_decided) {
                Some(description) => drop(decided.insert(key.to_owned(), description.to_owned())),
                None => drop(decided.remove(key)),
            }
        }
    }

    /// The decided feedback that the instance read for this id. `None` also if several
    /// notifications have the id.
    pub(crate) fn decided(&self, instance: usize, id: Uuid) -> Option<String> {
        let end = format!(".{id}");
        let mut known = self.decided.get(&instance)?.iter().filter(|(key, _)| key.ends_with(&end));
        let (_, description) = known.next()?;
        known.next().is_none().then(|| description.clone())
    }

    /// One answer for several items counts as a success only if each of them has ended as one.
    pub(crate) fn told_together(&mut self, id: Uuid, told: &Told, table: &TableModel, erp: &Erp) {
        let is_about_all = TOGETHER.iter().chain(&NOT_ALL).any(|text| {
            let start = text.split('{').next().unwrap_or_default();
            told.description.starts_with(start)
        });
        let Some(keys) = self.shared.get(&id).filter(|_| is_about_all).cloned() else { return };
        self.meets(Met::AnsweredTogether);
        let failed = keys.iter().filter(|_| told.is_success).find(|key| {
            let is_refused = erp.sent.get(*key).is_some_and(|sent| sent.nature == Nature::Refused);
            let has_succeeded = match state(table, key) {
                Some("superseded") => true,
                Some("processed") => !is_refused,
                _ => self.may_be_erased(key),
            };
            !has_succeeded
        });
        let failed = failed.map(|key| short(key));
        let counts_all = told.description.contains(&keys.len().to_string());
        self.require(counts_all, Invariant::OneFeedback, || {
            format!("the accountant reads {:?}, but there are {} items", told.description, keys.len())
        });
        self.require(failed.is_none(), Invariant::OneFeedback, || {
            format!("the accountant reads {:?}, but {failed:?} has not succeeded", told.description)
        });
    }

    pub(crate) fn told_as_decided(&mut self, id: Uuid, decided: Option<&str>, description: &str) {
        let is_so = decided.is_none_or(|decided| decided == description);
        self.require(is_so, Invariant::OneFeedback, || {
            format!("{decided:?} was decided about {id}, and the accountant reads {description:?}")
        });
    }
}

/// The longest wait of the client after the ERP has refused a new token as well.
const LONGEST_WAIT: Duration = Duration::minutes(5);

#[derive(Debug, Default)]
pub(crate) struct Pacing {
    /// The time before which an environment must not call, by the window of the calls.
    limited: BTreeMap<(usize, String), OffsetDateTime>,
    /// Refused tokens, each with its environment and tenant.
    refused: BTreeMap<String, (usize, String)>,
    /// Refused tokens for which the environment has got another one. A caller that gives up before
    /// that leaves the refused token to the next caller.
    replaced: BTreeSet<String>,
    /// Refused tokens of an environment since the last accepted one.
    in_a_row: BTreeMap<usize, u32>,
    /// The time until which an environment may wait by itself.
    cautious: BTreeMap<usize, OffsetDateTime>,
}

impl Pacing {
    pub(crate) fn limited(&mut self, instance: usize, window: &str, until: OffsetDateTime) {
        self.limited.insert((instance, window.to_owned()), until);
    }

    pub(crate) fn refused(&mut self, instance: usize, tenant: &str, token: &str, now: OffsetDateTime) {
        self.refused.insert(token.to_owned(), (instance, tenant.to_owned()));
        let in_a_row = self.in_a_row.entry(instance).or_default();
        *in_a_row += 1;
        if *in_a_row > 1 {
            self.cautious.insert(instance, now + LONGEST_WAIT);
        }
    }

    pub(crate) fn accepted(&mut self, instance: usize) {
        self.in_a_row.remove(&instance);
    }

    /// Called when an environment gets a token. Returns the refused one that it replaces.
    pub(crate) fn replaced(&mut self, instance: usize, tenant: &str) -> Option<String> {
        let (old, _) = self.refused.iter().find(|(_, (one, of))| *one == instance && of == tenant)?;
        let old = old.clone();
        self.refused.remove(&old);
        self.replaced.insert(old.clone());
        Some(old)
    }

    /// Whether the environment may fail without a call, because of what it was told before.
    pub(crate) fn holds_back(&self, instance: usize, now: OffsetDateTime) -> bool {
        let is_limited = self.limited.iter().any(|((one, _), until)| *one == instance && now < *until);
        is_limited || self.cautious.get(&instance).is_some_and(|until| now < *until)
    }
}

impl Checks {
    /// Called when an environment sends a request to Visma Net. A request for a token has none.
    /// The tenant's limit also holds for its sales orders of version 1, but not the reverse.
    pub(crate) fn calls_visma_net(
        &mut self,
        instance: usize,
        [tenant, window]: &[String; 2],
        token: Option<&str>,
        now: OffsetDateTime,
    ) {
        let is_closed = |name: &String| {
            let end = self.pacing.limited.get(&(instance, name.clone()));
            end.is_some_and(|end| now < *end)
        };
        let is_early = is_closed(tenant) || is_closed(window);
        self.require(!is_early, Invariant::WaitsAsTold, || {
            format!("instance {instance} calls for {tenant} although it was told to wait")
        });
        let is_refused = token.is_some_and(|token| self.pacing.replaced.contains(token));
        self.require(!is_refused, Invariant::WaitsAsTold, || {
            format!("instance {instance} uses a refused token again although it has another")
        });
    }
}

/// Partitions in which the same content has ended well as the same event under another id.
fn ended_under_other_ids(key: &str, table: &TableModel) -> Vec<String> {
    let Some((occurrence, _)) = key.split_once('.') else { return Vec::new() };
    let is_other = |item: &&Item| {
        let other = text(item, "sk").filter(|other| *other != key).and_then(|other| other.split_once('.'));
        let is_same = other.is_some_and(|(other, _)| other == occurrence);
        is_same && text(item, "state").is_some_and(|state| FINAL[..2].contains(&state))
    };
    table.items().filter(is_other).filter_map(|item| text(item, "pk").map(str::to_owned)).collect()
}
