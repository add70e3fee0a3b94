//! `observed`: the open questions about Visma Net, and the observations for each. One of them tells
//! the last uses of old secrets.

use super::client::{Client, items};
use super::shown::{second, text};
use super::{Access, Caller};
use crate::error::Failure;
use crate::output::{Outcome, Report, table};
use crate::stack::Stack;
use crate::text::when;
use clap::Args;
use serde_json::Value;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::OpenQuestion;
use webhooks_model::observed::older_secret;

/// The time of a use is recorded once an hour.
const LATELY: Duration = Duration::DAY;

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

/// The uses of old secrets.
#[derive(Debug, Clone)]
pub enum Uses {
    /// The last use of each, by the subject and the value of its fact.
    Known(BTreeMap<(String, String), OffsetDateTime>),
    /// The reason.
    Unknown(String),
}

/// Asks the operations API. A failure only means that nothing is known.
pub async fn uses(stack: &Stack, caller: Result<Caller, Failure>, access: &Access) -> Uses {
    let asked = async {
        let caller = caller?;
        Client::new(stack, &caller, access).await?.get(&["operations", "v1", "observed"], &[]).await
    };
    match asked.await {
        Ok(observed) => Uses::of(&observed),
        Err(failure) => Uses::Unknown(failure.what),
    }
}

impl Uses {
    /// Reads an answer of `GET /operations/v1/observed`.
    pub fn of(observed: &Value) -> Self {
        let mut questions = observed["items"].as_array().into_iter().flatten();
        let question = questions.find(|item| item["question"] == OpenQuestion::SecretRotation.as_str());
        let Some(question) = question.filter(|question| question["is_measured"] == true) else {
            return Self::Unknown("the deployed version does not observe it".to_owned());
        };
        let facts = question["facts"].as_array().into_iter().flatten();
        Self::Known(facts.filter_map(use_of).collect())
    }

    /// `None` if it was not used, or if nothing is known.
    pub fn last(&self, subscription: &str, secret: &str) -> Option<OffsetDateTime> {
        let Self::Known(uses) = self else { return None };
        let fact = older_secret(subscription, secret).fact;
        uses.get(&(fact.subject, fact.value)).copied()
    }

    /// Its last use, if that was within a day.
    pub fn lately(&self, subscription: &str, secret: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.last(subscription, secret).filter(|at| now - *at < LATELY)
    }

    /// The same in words; `None` if nothing is known.
    pub fn told(&self, subscription: &str, secret: &str) -> Option<String> {
        let Self::Known(_) = self else { return None };
        let told = match self.last(subscription, secret) {
            Some(at) => format!("last used {}", when(at)),
            None => "not seen since the rotation".to_owned(),
        };
        Some(told)
    }
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

fn use_of(fact: &Value) -> Option<((String, String), OffsetDateTime)> {
    let [subject, value, at] = ["subject", "value", "last_seen"].map(|name| fact[name].as_str());
    let at = OffsetDateTime::parse(at?, &Rfc3339).ok()?;
    Some(((subject?.to_owned(), value?.to_owned()), at))
}
