//! `doctor`: everything that a delivery needs, one thing after another.

mod checks;
mod visma;
mod zone;

use crate::error::Exit;
use crate::output::{Outcome, Report, printable};
use crate::stack::Stack;
use crate::text::duration;
use clap::Args;
use serde::Serialize;
use time::Duration;

#[derive(Debug, Args)]
pub struct Options {
    /// Ask Visma Net for this tenant only; may be repeated. All of the settings unless told
    #[arg(long = "tenant", value_name = "ID")]
    pub(crate) tenants: Vec<String>,
    /// Leave Visma Net alone
    #[arg(long, conflicts_with = "tenants")]
    pub(crate) offline: bool,
    /// Warn of secrets that end within this time and have no successor
    #[arg(long, default_value = "14d", value_parser = duration)]
    pub(crate) expiring: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
    /// Something it needs has failed before.
    Skipped,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub verdict: Verdict,
    /// What was seen.
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

    pub(crate) fn of_failure(name: impl Into<String>, failure: crate::Failure) -> Self {
        Self::failed(name, failure.what, failure.advice)
    }
}

pub use checks::{backlog, operations_answered, subscription};
pub use visma::approvals;
pub use zone::{Observed, clock, judged};

/// # Errors
/// None: what fails is a check that failed, and the exit code says so.
pub async fn run(stack: &Stack, options: Options) -> Outcome {
    Ok(report(&checks::all(stack, &options).await))
}

pub fn report(checks: &[Check]) -> Report {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (failed, warnings) = (count(Verdict::Failed), count(Verdict::Warning));
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let mut text: String = checks.iter().map(|check| in_lines(check, width)).collect();
    text.push_str(&match (failed, warnings) {
        (0, 0) => "\nAll is well.".to_owned(),
        _ => format!("\n{failed} failed, {warnings} warned."),
    });
    let exit = if failed == 0 { Exit::Ok } else { Exit::Failed };
    Report::new(checks, text).with_exit(exit)
}

fn in_lines(check: &Check, width: usize) -> String {
    let mark = match check.verdict {
        Verdict::Ok => "ok     ",
        Verdict::Warning => "WARNING",
        Verdict::Failed => "FAILED ",
        Verdict::Skipped => "skipped",
    };
    let line = format!("{mark}  {:width$}  {}\n", check.name, printable(&check.seen));
    let advice = if check.advice.is_empty() { String::new() } else { format!("         -> {}\n", check.advice) };
    line + &advice
}
