//! The results of the checks of `doctor` and `deploy-check`, and their report. Of many tenants it
//! shows those with problems first, and their number.

use crate::error::{Exit, Failure};
use crate::output::{Report, printable};
use crate::text::plural;
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use webhooks_settings::Settings;

/// Up to this many tenants, each is shown.
const FEW: usize = 5;
/// The most tenants with problems to show.
const MOST: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
    /// A check that this one depends on has failed.
    Skipped,
    /// AWS did not answer. This never counts as ok.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub verdict: Verdict,
    /// What the check found.
    pub seen: String,
    /// What to do about it; empty if nothing.
    pub advice: String,
}

impl Check {
    pub(crate) fn ok(name: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Ok, seen: seen.into(), advice: String::new() }
    }

    pub(crate) fn warning(name: impl Into<String>, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Warning, seen: seen.into(), advice: advice.into() }
    }

    pub(crate) fn failed(name: impl Into<String>, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::warning(name, seen, advice) }
    }

    pub(crate) fn skipped(name: impl Into<String>, needs: &str) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::ok(name, format!("needs {needs}")) }
    }

    pub(crate) fn of_failure(name: impl Into<String>, failure: Failure) -> Self {
        Self::failed(name, failure.what, failure.advice)
    }

    /// A question without an answer.
    pub(crate) fn unsaid(name: impl Into<String>, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, ..Self::warning(name, seen, advice) }
    }

    pub(crate) fn unknown(name: impl Into<String>, failure: &Failure) -> Self {
        Self::unsaid(name, &failure.what, &failure.advice)
    }
}

/// What a settings document has.
pub(crate) fn contents(settings: &Settings) -> String {
    let [subscriptions, tenants] = [settings.subscriptions.len(), settings.tenants.len()].map(|number| number as u64);
    format!("{}, {}", plural(subscriptions, "subscription"), plural(tenants, "tenant"))
}

/// The status of intake's answer to `GET /health` (functions/intake/README.md).
///
/// # Errors
/// A 2xx is not intake's: a proxy or another server answered.
pub(crate) fn of_intake(status: StatusCode, answer: &Value) -> Result<StatusCode, Failure> {
    if status.is_success() && answer["status"] != "ok" {
        let advice = "Something else answers at this address: check the output ApiUrl and the network.";
        return Err(Failure::new(Exit::Failed, format!("{status}, not by intake"), advice));
    }
    Ok(status)
}

pub fn report(checks: &[Check]) -> Report {
    summed(checks, checks)
}

/// Counts all checks and shows some to people. Programs get all.
pub fn summed(checks: &[Check], shown: &[Check]) -> Report {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (failed, warnings, unknown) = (count(Verdict::Failed), count(Verdict::Warning), count(Verdict::Unknown));
    let width = shown.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let mut text: String = shown.iter().map(|check| in_lines(check, width)).collect();
    text.push_str(&match (failed, warnings, unknown) {
        (0, 0, 0) => "\nAll is well.".to_owned(),
        (_, _, 0) => format!("\n{failed} failed, {warnings} warned."),
        _ => format!("\n{failed} failed, {warnings} warned, {unknown} not known."),
    });
    let exit = match (failed, unknown) {
        (0, 0) => Exit::Ok,
        (0, _) => Exit::Unavailable,
        _ => Exit::Failed,
    };
    Report::new(checks, text).with_exit(exit)
}

/// The checks that people see. With up to five tenants, all of them.
#[must_use]
pub fn summary(checks: &[Check], tenants: &[String]) -> Vec<Check> {
    let known: BTreeSet<&str> = tenants.iter().map(String::as_str).collect();
    let tenant = |check: &Check| {
        let (_, name) = check.name.rsplit_once(" of ")?;
        known.get(name).map(|name| (*name).to_owned())
    };
    if known.len() <= FEW {
        return checks.to_vec();
    }
    let mut of_tenants = BTreeMap::<String, Vec<Check>>::new();
    let mut others = vec![];
    let mut place = None;
    for check in checks {
        if let Some(name) = tenant(check) {
            place.get_or_insert(others.len());
            of_tenants.entry(name).or_default().push(check.clone());
        } else {
            others.push(check.clone());
        }
    }
    let place = place.unwrap_or(others.len());
    let behind = others.split_off(place);
    others.extend(in_few_lines(of_tenants));
    others.extend(behind);
    others
}

fn in_lines(check: &Check, width: usize) -> String {
    let mark = match check.verdict {
        Verdict::Ok => "ok     ",
        Verdict::Warning => "WARNING",
        Verdict::Failed => "FAILED ",
        Verdict::Skipped => "skipped",
        Verdict::Unknown => "unknown",
    };
    let line = format!("{mark}  {:width$}  {}\n", check.name, printable(&check.seen));
    let advice = if check.advice.is_empty() { String::new() } else { format!("         -> {}\n", check.advice) };
    line + &advice
}

fn in_few_lines(of_tenants: BTreeMap<String, Vec<Check>>) -> Vec<Check> {
    let all = of_tenants.len();
    let mut ill: Vec<Vec<Check>> = of_tenants.into_values().filter(|checks| worst(checks) > 0).collect();
    let well = all - ill.len();
    ill.sort_by_key(|checks| std::cmp::Reverse(worst(checks)));
    let left_out = ill.len().saturating_sub(MOST);
    let mut shown: Vec<Check> = ill.into_iter().take(MOST).flatten().filter(|check| weight(check) > 0).collect();
    if left_out > 0 {
        let advice = "See all of them: visma-webhooks doctor --output json.";
        shown.push(Check::warning("more tenants", format!("{left_out} more are not well"), advice));
    }
    if all > 0 {
        shown.push(Check::ok("tenants", format!("{well} of {all} are well")));
    }
    shown
}

fn worst(checks: &[Check]) -> u8 {
    checks.iter().map(weight).max().unwrap_or_default()
}

fn weight(check: &Check) -> u8 {
    match check.verdict {
        Verdict::Failed => 3,
        Verdict::Unknown => 2,
        Verdict::Warning => 1,
        Verdict::Ok | Verdict::Skipped => 0,
    }
}
