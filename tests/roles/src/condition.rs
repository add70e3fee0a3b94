//! The conditions of a statement.
//!
//!
//! Follows *IAM JSON policy elements: Condition operators* and *Set operators for multivalued
//! context keys* of the IAM User Guide.

use crate::pattern;
use repo_checks::{elements, entries, text};
use serde_json::Value;
use std::collections::BTreeMap;

/// The keys that requests have here, in lower case. All other keys are unknown.
const KNOWN: [&str; 2] = [LEADING_KEYS, SECURE_TRANSPORT];
pub(crate) const LEADING_KEYS: &str = "dynamodb:leadingkeys";
pub(crate) const SECURE_TRANSPORT: &str = "aws:securetransport";

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
            Comparison::Like => pattern::matches(wanted, given),
            Comparison::LikeArn => pattern::arn_matches(wanted, given),
            Comparison::Absent => unreachable!("it is about no value"),
        };
        self.values.iter().any(fits) != self.is_negated
    }
}
