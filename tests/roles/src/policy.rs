//! Statements and their combined decision.
//!
//!
//! Follows *Policy evaluation logic* of the IAM User Guide: a request needs a statement that allows
//! it, and one that denies it always wins.

use crate::condition::{Condition, Context};
use crate::pattern;
use repo_checks::{elements, entries};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub effect: Effect,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    pub(crate) conditions: Vec<Condition>,
}

/// A permission that a call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub action: String,
    pub resource: String,
    /// Values of condition keys. The keys are in lower case.
    pub context: Context,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// A statement denies it.
    Denied,
    NotAllowed,
}

impl Statement {
    /// # Panics
    /// It has an unknown element, so that every decision would be a guess.
    pub fn read(written: &Value) -> Self {
        for (name, value) in entries(written) {
            let is_everybody = name == "Principal" && value == "*";
            let is_understood = ["Sid", "Effect", "Action", "Resource", "Condition"].contains(&name.as_str());
            assert!(is_everybody || is_understood, "{name} is not understood here");
        }
        let effect = match written["Effect"].as_str() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => panic!("a statement allows or denies: {written}"),
        };
        let conditions = Condition::read(&written["Condition"]);
        Self { effect, actions: texts(&written["Action"]), resources: texts(&written["Resource"]), conditions }
    }

    pub fn applies(&self, request: &Request) -> bool {
        self.actions.iter().any(|action| is_action(action, &request.action))
            && self.resources.iter().any(|resource| pattern::arn_matches(resource, &request.resource))
            && self.conditions.iter().all(|condition| condition.holds(&request.context))
    }

    /// Splits it into single actions on single resources.
    pub(crate) fn grants(&self) -> impl Iterator<Item = Self> {
        let of_action = move |action| self.resources.iter().map(move |resource| (action, resource));
        self.actions.iter().flat_map(of_action).map(move |(action, resource): (&String, &String)| Self {
            actions: vec![action.clone()],
            resources: vec![resource.clone()],
            ..self.clone()
        })
    }
}

pub fn decide<'s>(statements: impl IntoIterator<Item = &'s Statement>, request: &Request) -> Decision {
    let applying = statements.into_iter().filter(|statement| statement.applies(request));
    applying.fold(Decision::NotAllowed, |so_far, statement| match (so_far, statement.effect) {
        (Decision::Denied, _) | (_, Effect::Deny) => Decision::Denied,
        (_, Effect::Allow) => Decision::Allowed,
    })
}

/// Actions are case-insensitive.
fn is_action(pattern: &str, action: &str) -> bool {
    pattern::matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

fn texts(value: &Value) -> Vec<String> {
    let texts: Vec<String> = elements(value)
        .into_iter()
        .map(|one| one.as_str().unwrap_or_else(|| panic!("not resolved: {one}")).to_owned())
        .collect();
    assert!(!texts.is_empty(), "a statement names actions and resources");
    assert!(!texts.iter().any(|text| text.contains("${")), "variables are not understood here: {texts:?}");
    texts
}
