//! The results of the checks of `doctor` and `deploy-check`.

use crate::error::{Exit, Failure};
use crate::output::{Report, printable};
use crate::text::plural;
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;
use webhooks_settings::Settings;

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
