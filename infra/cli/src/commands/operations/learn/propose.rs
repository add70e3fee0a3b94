//! Proposes where an unknown body has its fields, by their names. A proposal counts only if it
//! reads every notification of its group.

use super::event_names::{guess, words};
use super::parked::Group;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use webhooks_model::mapping::{FieldRule, KeyPlace, Pointer};
use webhooks_model::notification::Directory;
use webhooks_model::{Entity, EventType, Notification, catalogue};
use webhooks_settings::Settings;

const NUMBERS: [&str; 8] = ["no", "nr", "number", "nummer", "nbr", "cd", "code", "ref"];
/// Words for numbers and names of other things than the record.
const OTHERS: [&str; 15] = [
    "notification",
    "message",
    "event",
    "tenant",
    "company",
    "context",
    "subscription",
    "user",
    "correlation",
    "trace",
    "version",
    "previous",
    "old",
    "line",
    "source",
];
const TIMES: [&str; 7] = ["time", "timestamp", "date", "modified", "changed", "occurred", "tidspunkt"];
const STATUSES: [&str; 3] = ["status", "state", "tilstand"];
const EVENTS: [&str; 6] = ["event", "type", "action", "operation", "hendelse", "topic"];

/// The proposed settings for one group.
#[derive(Debug, Clone, Default)]
pub(super) struct Proposal {
    pub(super) aliases: Vec<(String, String)>,
    /// The place of the event, for all events.
    pub(super) event: Option<Pointer>,
    /// The places of the other fields. Its `events` are those of the entity.
    pub(super) rule: FieldRule,
}

impl Proposal {
    pub(super) fn has_pointers(&self) -> bool {
        let FieldRule { key, status, parameter, id, time, .. } = &self.rule;
        !(key.is_empty() && status.is_empty() && parameter.is_empty() && id.is_empty() && time.is_empty())
    }

    pub(super) fn rules(&self) -> Vec<FieldRule> {
        let event = self.event.iter().map(|pointer| FieldRule {
            events: "*".to_owned(),
            event: vec![pointer.clone()],
            ..FieldRule::default()
        });
        event.chain(self.has_pointers().then(|| self.rule.clone())).collect()
    }
}

/// Everything to write, each once. Of two meanings of a name, the one from the command line wins.
pub(super) fn together(proposals: &[Proposal], told: &Proposal) -> (Vec<(String, String)>, Vec<FieldRule>) {
    let proposed = proposals.iter().flat_map(|one| one.aliases.clone());
    let aliases: BTreeMap<String, String> = proposed.chain(told.aliases.clone()).collect();
    let mut rules: Vec<FieldRule> = vec![];
    for rule in proposals.iter().flat_map(Proposal::rules) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    (aliases.into_iter().collect(), rules)
}

/// A text or a number at the same place in all bodies.
struct Leaf<'a> {
    pointer: &'a str,
    words: Vec<String>,
    values: Vec<String>,
}

/// The settings with a proposal applied.
struct Proposed<'a> {
    settings: &'a Settings,
    aliases: &'a [(String, String)],
    rules: Vec<FieldRule>,
}

impl Directory for Proposed<'_> {
    fn event_alias(&self, name: &str) -> Option<&'static EventType> {
        let own = self.aliases.iter().find(|(alias, _)| alias == name);
        own.and_then(|(_, event)| catalogue::find(event)).or_else(|| self.settings.event_alias(name))
    }

    fn tenant_of_company(&self, company: &str) -> Option<String> {
        self.settings.tenant_of_company(company)
    }

    fn fields(&self) -> &[FieldRule] {
        &self.rules
    }

    fn max_items(&self) -> usize {
        self.settings.max_items()
    }
}

/// Keeps the options of the command line and proposes the rest.
pub(super) fn propose(group: &Group, settings: &Settings, told: &Proposal) -> Proposal {
    let leaves = leaves(group);
    let mut proposal = Proposal { rule: told.rule.clone(), ..Proposal::default() };
    let is_told = told.aliases.iter().any(|(name, _)| *name == group.event);
    let known = group.members.first().and_then(|one| one.read(settings)?.event).filter(|_| !is_told);
    let Some(event) = known.or_else(|| name_event(group, &leaves, told, &mut proposal)) else {
        return Proposal::default();
    };
    proposal.rule.events = format!("{}.*", event.entity);
    let reads = |proposal: &Proposal, has: fn(&Notification) -> bool| {
        let rules = settings.fields().iter().cloned().chain(proposal.rules()).collect();
        let proposed = Proposed { settings, aliases: &proposal.aliases, rules };
        group.members.iter().all(|one| one.read(&proposed).is_some_and(|n| has(&n)))
    };
    let called =
        |names: &[&str]| leaves.iter().filter(|leaf| leaf.is_called(names)).map(Leaf::place).collect::<Vec<_>>();
    // A UUID is the notification's or another id. It was proposed only because nothing better was
    // found.
    if !reads(&proposal, |n| n.entity_key.as_deref().is_some_and(|key| !is_uuid(key))) {
        proposal.rule.key.extend(key(event, &leaves));
    }
    if !reads(&proposal, |n| n.id_in_body.is_some()) {
        proposal.rule.id.extend(id(&leaves));
    }
    if !reads(&proposal, |n| n.status.is_some()) {
        proposal.rule.status.extend(called(&STATUSES).into_iter().next());
    }
    if !reads(&proposal, |n| n.occurred_at.is_some()) {
        let is_time = |place: &Pointer| {
            let rule = FieldRule { time: vec![place.clone()], ..proposal.rule.clone() };
            reads(&Proposal { rule, ..proposal.clone() }, |n| n.occurred_at.is_some())
        };
        let time = called(&TIMES).into_iter().find(is_time);
        proposal.rule.time.extend(time);
    }
    proposal
}

/// Finds the event of a group: from the command line, from the name that came, or from a field with
/// a name.
fn name_event(
    group: &Group,
    leaves: &[Leaf<'_>],
    told: &Proposal,
    proposal: &mut Proposal,
) -> Option<&'static EventType> {
    let meaning = |name: &str| {
        let own = told.aliases.iter().find(|(alias, _)| alias == name);
        own.and_then(|(_, event)| catalogue::find(event)).or_else(|| guess(name))
    };
    let mut names = vec![(group.event.as_str(), None)];
    names.extend(leaves.iter().filter(|leaf| leaf.is_called(&EVENTS)).filter_map(|leaf| {
        let first = leaf.values.first()?;
        leaf.values.iter().all(|value| meaning(value) == meaning(first)).then_some((first.as_str(), Some(leaf)))
    }));
    let (name, leaf, event) = names.into_iter().find_map(|(name, leaf)| Some((name, leaf, meaning(name)?)))?;
    let names = leaf.map_or_else(|| vec![name.to_owned()], |leaf| leaf.values.clone());
    let unknown = names.into_iter().filter(|name| catalogue::find(name) != Some(event));
    proposal.aliases.extend(unknown.map(|name| (name, event.id.to_owned())));
    proposal.aliases.sort();
    proposal.aliases.dedup();
    proposal.event = leaf.map(Leaf::place);
    Some(event)
}

/// The best name for a number. For a sales order, with the type beside it, if there is one.
fn key(event: &EventType, leaves: &[Leaf<'_>]) -> Option<KeyPlace> {
    let entity = event.entity.label();
    let score = |leaf: &Leaf<'_>| {
        let last = leaf.words.last()?;
        let is_number = NUMBERS.iter().any(|name| last.ends_with(name));
        let base = if is_number {
            4
        } else if last.ends_with("id") || last.ends_with("key") {
            2
        } else {
            return None;
        };
        let is_other = leaf.words.iter().any(|word| OTHERS.contains(&word.as_str()))
            || leaf.values.iter().any(|value| is_uuid(value));
        let names_entity = entity.split(' ').any(|word| leaf.words.iter().any(|own| own == word));
        (!is_other).then_some(base + 3 * i32::from(names_entity))
    };
    // Of equal ones, the outermost wins, and of those the first.
    let depth = |leaf: &Leaf<'_>| leaf.pointer.matches('/').count();
    let best = leaves.iter().filter_map(|leaf| Some((score(leaf)?, leaf)));
    let best = best.min_by_key(|(score, leaf)| (-score, depth(leaf)))?.1;
    let beside = |leaf: &&Leaf<'_>| leaf.parent() == best.parent() && leaf.is_called(&["type", "kind"]);
    match leaves.iter().find(beside).filter(|_| event.entity == Entity::SalesOrder) {
        Some(order_type) => Some(KeyPlace::Joined(vec![order_type.place(), best.place()])),
        None => Some(KeyPlace::One(best.place())),
    }
}

/// A UUID that differs in each body, preferably in a field named after a notification.
fn id(leaves: &[Leaf<'_>]) -> Option<Pointer> {
    let is_own = |leaf: &&Leaf<'_>| {
        let differ: BTreeSet<&String> = leaf.values.iter().collect();
        let of_many = ["tenant", "company", "subscription", "user"];
        leaf.values.iter().all(|value| is_uuid(value))
            && differ.len() == leaf.values.len()
            && !leaf.words.iter().any(|word| of_many.contains(&word.as_str()))
    };
    let own: Vec<&Leaf<'_>> = leaves.iter().filter(is_own).collect();
    let named = own.iter().find(|leaf| leaf.is_called(&["notification", "message", "event", "delivery"]));
    named.or(own.first()).map(|leaf| leaf.place())
}

fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

impl Leaf<'_> {
    fn is_called(&self, names: &[&str]) -> bool {
        let name = self.pointer.rsplit('/').next().unwrap_or_default();
        words(name).iter().any(|word| names.contains(&word.as_str()))
    }

    fn parent(&self) -> &str {
        self.pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    fn place(&self) -> Pointer {
        Pointer::new(self.pointer)
    }
}

/// Leaves out elements of arrays, which have no fixed place.
fn leaves(group: &Group) -> Vec<Leaf<'_>> {
    let bodies: Vec<Value> = group.members.iter().filter_map(|one| serde_json::from_str(&one.raw).ok()).collect();
    let leaf = |pointer| {
        let values = bodies.iter().map(|body| scalar(body.pointer(pointer)?)).collect::<Option<Vec<_>>>()?;
        Some(Leaf { pointer, words: words(&pointer.replace('/', " ")), values })
    };
    group.fields.pointers().filter_map(|(pointer, _)| leaf(pointer)).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
