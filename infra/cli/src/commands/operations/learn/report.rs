//! The report of `learn`: what was found, what is proposed, and each reading before and after.

use super::parked::{Group, Parked, Watched, is_identified};
use super::propose::Proposal;
use crate::error::Exit;
use crate::output::{Report, escaped, printable, table};
use serde_json::{Value, json};
use webhooks_model::{Notification, State};
use webhooks_settings::Settings;

/// The most to show of one group; JSON has all.
const SHOWN: usize = 10;
const COLUMNS: [&str; 6] = ["reason", "event", "entity", "key", "status", "ref"];

pub(super) struct Learnt {
    text: String,
    json: Value,
    readable: usize,
}

/// `settings` are those before and after.
pub(super) fn new(groups: &[Group], proposals: &[Proposal], settings: (&Settings, &Settings), diff: &str) -> Learnt {
    let (mut text, mut shown, mut readable) = (String::new(), vec![], 0);
    for (group, proposal) in groups.iter().zip(proposals) {
        let readings: Vec<Reading<'_>> = group.members.iter().map(|one| Reading::new(one, settings)).collect();
        let count = readings.iter().filter(|reading| reading.is_readable()).count();
        readable += count;
        let name = if group.event.is_empty() { "(no name)".to_owned() } else { printable(&group.event) };
        let (members, fields) = (group.members.len(), printable(&group.fields.to_string()));
        text.push_str(&format!("{members} of event {name}, shape {}\n  {fields}\n", group.shape));
        for (alias, event) in &proposal.aliases {
            text.push_str(&format!("  event {} means {event}\n", printable(alias)));
        }
        for rule in proposal.rules() {
            let rule = serde_json::to_string(&rule).expect("pointers always serialise");
            text.push_str(&format!("  fields {}\n", escaped(&rule)));
        }
        if count < members {
            text.push_str(&format!(
                "  {} would stay parked: say what is missing with --alias or --key\n",
                members - count
            ));
        }
        text.push_str(&format!("\n{}\n", table(COLUMNS, readings.iter().take(SHOWN).map(Reading::row))));
        shown.push(json!({
            "event": group.event, "shape": group.shape, "fields": group.fields, "aliases": proposal.aliases,
            "rules": proposal.rules(), "readings": readings.iter().map(Reading::json).collect::<Vec<_>>(),
        }));
    }
    Learnt {
        text: format!("{text}{diff}"),
        json: json!({ "groups": shown, "diff": diff, "readable": readable }),
        readable,
    }
}

impl Learnt {
    pub(super) fn nothing_written(mut self) -> Report {
        self.json["written"] = false.into();
        Report::new(self.json, format!("{}Nothing was written; {} could be replayed.\n", self.text, self.readable))
    }

    pub(super) fn replayed(mut self, outcome: &Watched, is_written: bool) -> Report {
        self.json["written"] = is_written.into();
        self.json["states"] = json!(outcome.states);
        self.json["parked"] = outcome.parked.into();
        let ends = outcome.states.iter().map(|(state, count)| format!("{count} {state}"));
        let still = (outcome.parked > 0).then(|| format!("{} parked as before", outcome.parked));
        let ends: Vec<String> = ends.chain(still).collect();
        let written = if is_written { "The settings are written. " } else { "" };
        self.text.push_str(&format!("{written}Replayed {}: {}\n", self.readable, ends.join(", ")));
        let needs_attention = |state: &String| State::parse(state).is_some_and(State::needs_attention);
        let has_failed = outcome.parked > 0 || outcome.states.keys().any(needs_attention);
        let exit = if has_failed { Exit::Failed } else { Exit::Ok };
        Report::new(self.json, self.text).with_exit(exit)
    }
}

/// One notification, read with the settings before and after.
struct Reading<'a> {
    one: &'a Parked,
    before: Option<Notification>,
    after: Option<Notification>,
}

impl<'a> Reading<'a> {
    fn new(one: &'a Parked, (before, after): (&Settings, &Settings)) -> Self {
        Self { one, before: one.read(before), after: one.read(after) }
    }

    fn is_readable(&self) -> bool {
        self.after.as_ref().is_some_and(is_identified)
    }

    fn row(&self) -> [String; 6] {
        let change = |of: fn(&Notification) -> String| {
            let [before, after] = [&self.before, &self.after].map(|n| n.as_ref().map(of).unwrap_or_default());
            let shown = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            if before == after { shown(before) } else { format!("{} -> {}", shown(before), shown(after)) }
        };
        [
            self.one.reason.clone(),
            change(|n| n.event_name().to_owned()),
            change(|n| n.entity.to_string()),
            change(|n| n.entity_key.clone().unwrap_or_default()),
            change(|n| n.status.clone().unwrap_or_default()),
            self.one.reference.clone(),
        ]
    }

    fn json(&self) -> Value {
        let side = |n: &Option<Notification>| {
            n.as_ref().map(|n| {
                json!({ "event": n.event_name(), "entity": n.entity, "key": n.entity_key, "status": n.status,
                        "identified": is_identified(n) })
            })
        };
        let (before, after) = (side(&self.before), side(&self.after));
        json!({ "ref": self.one.reference, "reason": self.one.reason, "before": before, "after": after })
    }
}
