//! Statements with their conditions and wildcards, and their combined decision.
//!
//! Follows *Policy evaluation logic* of the IAM User Guide: a request needs a statement that allows
//! it, and one that denies it always wins. Conditions follow *IAM JSON policy elements: Condition
//! operators* and *Set operators for multivalued context keys*.

use repo_checks::{elements, entries, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The keys that requests have here, in lower case. All other keys are unknown.
const KNOWN: [&str; 3] = [LEADING_KEYS, SECURE_TRANSPORT, VIA_SERVICE];
pub(crate) const LEADING_KEYS: &str = "dynamodb:leadingkeys";
pub(crate) const SECURE_TRANSPORT: &str = "aws:securetransport";
/// The service that calls KMS for the principal. A call of the principal itself has none.
pub(crate) const VIA_SERVICE: &str = "kms:viaservice";

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
            && self.resources.iter().any(|resource| arn_matches(resource, &request.resource))
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
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
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

/// Values by key, in lower case.
pub(crate) type Context = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    One,
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    EqualInAnyCase,
    Like,
    LikeArn,
    /// Whether the key is absent.
    Absent,
}

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    quantifier: Quantifier,
    comparison: Comparison,
    is_negated: bool,
    if_exists: bool,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

impl Condition {
    /// All conditions of a statement's block. Each of them must hold.
    ///
    /// # Panics
    /// It has an unknown operator or key.
    pub(crate) fn read(block: &Value) -> Vec<Self> {
        let tests =
            entries(block).flat_map(|(operator, keys)| entries(keys).map(move |(key, values)| (operator, key, values)));
        tests.map(|(operator, key, values)| Self::of(operator, key, values)).collect()
    }

    fn of(operator: &str, key: &str, values: &Value) -> Self {
        let key = key.to_ascii_lowercase();
        assert!(KNOWN.contains(&key.as_str()), "no request is given the key {key} here");
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            _ => (Quantifier::One, operator),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (comparison, is_negated) = match name {
            "StringEquals" | "Bool" => (Comparison::Equal, false),
            "StringNotEquals" => (Comparison::Equal, true),
            "StringEqualsIgnoreCase" => (Comparison::EqualInAnyCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::EqualInAnyCase, true),
            "StringLike" => (Comparison::Like, false),
            "StringNotLike" => (Comparison::Like, true),
            "ArnEquals" | "ArnLike" => (Comparison::LikeArn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::LikeArn, true),
            "Null" => (Comparison::Absent, false),
            _ => panic!("the operator {operator} is not understood here"),
        };
        let values = elements(values).into_iter().map(text).collect();
        Self { quantifier, comparison, is_negated, if_exists, key, values }
    }

    pub(crate) fn holds(&self, context: &Context) -> bool {
        let given = context.get(&self.key);
        if self.comparison == Comparison::Absent {
            return self.values.iter().any(|wanted| (wanted == "true") == given.is_none());
        }
        let Some(given) = given else {
            let of_nothing = match self.quantifier {
                Quantifier::All => true,
                Quantifier::Any => false,
                Quantifier::One => self.is_negated,
            };
            return of_nothing || self.if_exists;
        };
        match (self.quantifier, given.as_slice()) {
            (Quantifier::All, given) => given.iter().all(|one| self.fits(one)),
            (Quantifier::Any, given) => given.iter().any(|one| self.fits(one)),
            (Quantifier::One, [one]) => self.fits(one),
            (Quantifier::One, _) => {
                panic!("{} has several values, so the condition has to say of how many it speaks", self.key)
            }
        }
    }

    fn fits(&self, given: &str) -> bool {
        let fits = |wanted: &String| match self.comparison {
            Comparison::Equal => given == wanted,
            Comparison::EqualInAnyCase => given.eq_ignore_ascii_case(wanted),
            Comparison::Like => matches(wanted, given),
            Comparison::LikeArn => arn_matches(wanted, given),
            Comparison::Absent => unreachable!("it is about no value"),
        };
        self.values.iter().any(fits) != self.is_negated
    }
}

/// The wildcards of policies: `*` for any text, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The last star, and the end of the text that it matches.
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[read] => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((from, end)) = star else { return false };
                star = Some((from, end + 1));
                (at, read) = (from + 1, end + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// Matches part by part: no wildcard crosses one of the first five colons.
fn arn_matches(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    let all = pattern == ["*"];
    all || (pattern.len() == arn.len() && pattern.iter().zip(&arn).all(|(wanted, part)| matches(wanted, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        let fit = [("*", ""), ("a*c", "abbc"), ("a*c", "ac"), ("a?c", "abc"), ("*b*", "abc"), ("a*b*c", "abxbc")];
        assert!(fit.iter().all(|(pattern, text)| matches(pattern, text)));
        let unfit = [("", "a"), ("a?c", "ac"), ("a*c", "abcd"), ("a", "A"), ("a*b", "a*")];
        assert!(!unfit.iter().any(|(pattern, text)| matches(pattern, text)));
    }

    #[test]
    fn a_wildcard_matches_only_within_its_part_of_an_arn() {
        let queue = "arn:aws:sqs:eu-north-1:000000000000:events";
        assert!(
            ["*", queue, "arn:aws:sqs:*:*:ev*", "arn:*:sqs:eu-north-?:000000000000:events"]
                .iter()
                .all(|pattern| arn_matches(pattern, queue))
        );
        assert!(
            !["arn:aws:*:events", "arn:aws:sqs:eu-north-1:000000000000:event", "arn:aws:sns:*:*:*"]
                .iter()
                .any(|pattern| arn_matches(pattern, queue))
        );
        let stream = "arn:aws:logs:eu-north-1:000000000000:log-group:/aws/lambda/a:log-stream:1";
        assert!(arn_matches("arn:aws:logs:eu-north-1:000000000000:log-group:/aws/lambda/a:*", stream));
    }
}
