//! `observed`: the open questions about Visma Net, and the observations for each.

use super::Access;
use super::caller::Caller;
use super::client::{Client, items};
use super::shown::{second, text};
use crate::output::{Outcome, Report, table};
use crate::stack::Stack;
use clap::Args;
use serde_json::Value;

#[derive(Debug, Args)]
pub struct Observed {
    /// Only observations that differ from the product's assumptions
    #[arg(long)]
    contradicted: bool,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses or does not answer.
pub async fn observed(stack: &Stack, caller: &Caller, options: Observed) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let mut all = client.get(&["operations", "v1", "observed"], &[]).await?;
    let mut items = items(&mut all)?;
    if options.contradicted {
        items.retain(|item| item["stands"] == "contradicted");
    }
    let report = shown(&items);
    Ok(Report::new(items, report))
}

/// A line for each question and each of its facts, and then the advice.
fn shown(items: &[Value]) -> String {
    let rows = items.iter().flat_map(|item| std::iter::once(question(item)).chain(facts(item)));
    let lines = table(["question", "stands", "notifications", "last seen (utc)", "seen"], rows);
    let advice = items.iter().filter(|item| item["advice"].is_string());
    let advice: String =
        advice.map(|item| format!("{}: {}\n", text(&item["question"]), text(&item["advice"]))).collect();
    if advice.is_empty() { lines } else { format!("{lines}\n\n{advice}") }
}

fn question(item: &Value) -> [String; 5] {
    let [code, stands, assumed] = ["question", "stands", "assumed"].map(|name| text(&item[name]));
    let count = if item["notifications"] == 0 { String::new() } else { text(&item["notifications"]) };
    let note = if item["is_measured"] == false { " (cannot be seen from here)" } else { "" };
    [code, stands, count, second(&text(&item["last_seen"])), format!("assumed: {assumed}{note}")]
}

fn facts(item: &Value) -> impl Iterator<Item = [String; 5]> {
    let facts = item["facts"].as_array().into_iter().flatten();
    facts.map(|fact| {
        let [subject, value] = ["subject", "value"].map(|name| text(&fact[name]));
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        let differs = if fact["agrees"] == false { "differs: " } else { "" };
        let (count, at) = (text(&fact["notifications"]), second(&text(&fact["last_seen"])));
        [String::new(), String::new(), count, at, format!("  {differs}{subject}{value}")]
    })
}
