//! `dead-letters`: shows them by the operations API, and redrives them by an audited job.

use super::begin::begin;
use super::jobs::{follow_or_detach, not_begun};
use super::options::Start;
use super::shown::{second, text};
use super::{Access, Caller, Client};
use crate::commands::dlq::LATE;
use crate::output::{Outcome, Report, fields, table};
use crate::stack::Stack;
use crate::terminal::{Ask, Stop, say};
use crate::text::plural;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use time::Duration;

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// Show how many each queue has, and some of them
    #[command(after_help = "Examples:
  visma-webhooks dead-letters list
  visma-webhooks dead-letters list notifications --limit 20
  visma-webhooks --local dead-letters list")]
    List(List),
    /// Send a queue's dead letters again: all that are there now, or one
    #[command(after_help = "Examples:
  visma-webhooks dead-letters redrive notifications --plan
  visma-webhooks dead-letters redrive notifications --message 5f1e4a3c-7a51-4a3e-9d0a-0c5f3a0e2f11
  visma-webhooks dead-letters redrive feedback --rate 5 --yes
  visma-webhooks --local dead-letters redrive notifications --plan")]
    Redrive(Redrive),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    Notifications,
    Feedback,
    Events,
    Repairs,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Feedback => "feedback",
            Self::Events => "events",
            Self::Repairs => "repairs",
        }
    }
}

#[derive(Debug, Args)]
pub struct List {
    /// The queue; all four by default
    #[arg(value_enum)]
    queue: Option<Name>,
    /// The most to show of each queue, up to 20
    #[arg(long, default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=20))]
    limit: u8,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Redrive {
    /// The queue
    #[arg(value_enum)]
    queue: Name,
    /// Only this one, by its id from list
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Also send outcomes that the feedback function rejected. It rejects them again unless it has
    /// changed
    #[arg(long)]
    rejected: bool,
    #[command(flatten)]
    start: Start,
    /// The reason, for readers of the audit record
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Only count them
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses or does not answer.
pub async fn dead_letters(
    stack: &Stack,
    caller: &Caller,
    command: DeadLetters,
    ask: Ask,
    listen: impl FnOnce() -> Stop,
) -> Outcome {
    match command {
        DeadLetters::List(options) => list(&Client::new(stack, caller, &options.access).await?, &options).await,
        DeadLetters::Redrive(options) => {
            let client = Client::new(stack, caller, &options.access).await?;
            redrive(&client, &options, ask, listen).await
        }
    }
}

async fn list(client: &Client<'_>, options: &List) -> Outcome {
    let limit = options.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(options.queue.map(|queue| ("queue", queue.as_str())));
    let mut all = client.get(&["operations", "v1", "dead-letters"], &query).await?;
    let queues = all["queues"].take();
    let each = || queues.as_array().into_iter().flatten();
    let rows: Vec<[String; 6]> = each().flat_map(of_queue).collect();
    let mut counts: String = each().map(|queue| format!("{}\n", counted(queue))).collect();
    let letters = each().flat_map(|queue| queue["sample"].as_array().into_iter().flatten());
    if each().any(is_late) {
        counts.push_str(LATE);
        counts.push('\n');
    }
    counts.push_str(&warning(letters.filter(|letter| letter["dies_again"] == true).count() as u64));
    let text = match rows.is_empty() {
        true => counts,
        false => {
            let header = ["queue", "first sent (utc)", "tenant", "reason", "receives", "message"];
            format!("{}\n\n{counts}", table(header, rows))
        }
    };
    Ok(Report::new(queues, text))
}

/// SQS counts letters that it does not hand out.
fn is_late(queue: &Value) -> bool {
    queue["waiting"] != 0 && queue["sample"].as_array().is_some_and(Vec::is_empty)
}

fn of_queue(queue: &Value) -> Vec<[String; 6]> {
    let sample = queue["sample"].as_array().into_iter().flatten();
    let row = |letter: &Value| {
        let [tenant, reason, receives, id] =
            ["tenant", "reason", "receive_count", "id"].map(|name| text(&letter[name]));
        [text(&queue["name"]), second(&text(&letter["sent_at"])), tenant, reason, receives, id]
    };
    sample.map(row).collect()
}

/// Of the letters that were shown; empty if none would.
fn warning(doomed: u64) -> String {
    match doomed {
        0 => String::new(),
        _ => format!("{doomed} of those shown would die again, unless what refuses them has changed.\n"),
    }
}

fn counted(queue: &Value) -> String {
    format!("{}: about {} waiting, {} in flight", text(&queue["name"]), queue["waiting"], queue["in_flight"])
}

async fn redrive(client: &Client<'_>, options: &Redrive, ask: Ask, listen: impl FnOnce() -> Stop) -> Outcome {
    let queue = options.queue.as_str();
    let mut body = json!({ "rejected": options.rejected, "note": options.note });
    if let Some(message) = &options.message {
        body["message"] = json!(message);
    }
    let body = options.start.paced(body);
    let ask = options.start.person(ask);
    let mut expected = None;
    if options.plan || ask.is_some() {
        let plan = client.post(&["operations", "v1", "dead-letters", queue, "plans"], &body).await?;
        let number = plan["count"].as_u64().unwrap_or_default();
        let count = format!("about {number}");
        let warning = warning(plan["dies_again"].as_u64().unwrap_or_default());
        if options.plan {
            let seconds = format!("{} s", plan["seconds"]);
            let text = fields([("queue", queue.to_owned()), ("would send", count), ("it would take", seconds)]);
            return Ok(Report::new(plan, text + &warning));
        }
        if !warning.is_empty() {
            say(warning.trim_end());
        }
        if let Some(ask) = ask
            && !ask(&format!("Send about {} of {queue} again?", plural(number, "dead letter")))
        {
            return Ok(not_begun());
        }
        expected = plan["count"].as_u64();
    }
    let begun = begin(client, &["operations", "v1", "dead-letters", queue, "redrives"], &body, listen).await?;
    follow_or_detach(client, begun, options.start.detach, Duration::SECOND, expected).await
}
