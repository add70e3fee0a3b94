//! `feedback`: resends feedback that Visma Net did not take, by a filter.

use super::begin::begin;
use super::jobs::{counted, follow_or_detach, not_begun};
use super::options::Start;
use super::shown::text;
use super::{Access, Caller, Client, tenant};
use crate::output::{Outcome, Report, fields, table};
use crate::stack::Stack;
use crate::terminal::{Ask, Stop, say};
use crate::text::{Since, exact, since};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use time::Duration;
use webhooks_host::{Host, SystemHost};

#[derive(Debug, Subcommand)]
pub enum Feedback {
    /// Resend all parked feedback that matches a filter, by a job
    #[command(after_help = "Examples:
  visma-webhooks feedback resend --all-tenants --plan
  visma-webhooks feedback resend --tenant 10000000-0000-4000-8000-000000000001 --reason gave_up --from 24h
  visma-webhooks --local feedback resend --all-tenants --plan")]
    Resend(Resend),
}

#[derive(Debug, Args)]
pub struct Resend {
    /// The tenant, by its name, company number or id
    #[arg(long, value_name = "TENANT", required_unless_present = "all_tenants")]
    tenant: Option<String>,
    /// Include every tenant
    #[arg(long, conflicts_with = "tenant")]
    all_tenants: bool,
    /// The reason for which it was parked, such as gave_up
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// A part of the result of its last try, such as 503
    #[arg(long, value_name = "TEXT")]
    cause: Option<String>,
    /// Parked since: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 24h
    #[arg(long, value_name = "WHEN", value_parser = since)]
    from: Option<Since>,
    /// Parked before; now by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    #[command(flatten)]
    start: Start,
    /// The reason, for readers of the timeline
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Only show what would be sent, and why it was parked
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    access: Access,
}

impl Resend {
    fn filter(&self) -> Value {
        let now = SystemHost.now();
        let at = |since: Option<Since>| since.map(|since| exact(since.at(now)));
        let mut filter = json!({ "note": self.note });
        let named = [
            ("tenant", self.tenant.clone()),
            ("reason", self.reason.clone()),
            ("cause", self.cause.clone()),
            ("from", at(self.from)),
            ("to", at(self.to)),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                filter[name] = json!(value);
            }
        }
        self.start.paced(filter)
    }
}

/// # Errors
/// The API refuses or does not answer.
pub async fn feedback(
    stack: &Stack,
    caller: &Caller,
    command: Feedback,
    ask: Ask,
    listen: impl FnOnce() -> Stop,
) -> Outcome {
    let Feedback::Resend(mut options) = command;
    let client = Client::new(stack, caller, &options.access).await?;
    options.tenant = tenant::resolve_some(&client, options.tenant.as_deref()).await?;
    let filter = options.filter();
    let ask = options.start.person(ask);
    let mut expected = None;
    if options.plan || ask.is_some() {
        let plan = client.post(&["operations", "v1", "feedback", "plans"], &filter).await?;
        let text = planned(&plan);
        if options.plan {
            return Ok(Report::new(plan, text));
        }
        say(&text);
        if let Some(ask) = ask
            && !ask(&format!("Send {} once more?", counted(&plan)))
        {
            return Ok(not_begun());
        }
        expected = plan["count"].as_u64().filter(|_| plan["at_least"] != true);
    }
    let begun = begin(&client, &["operations", "v1", "feedback", "resends"], &filter, listen).await?;
    follow_or_detach(&client, begun, options.start.detach, Duration::SECOND, expected).await
}

fn planned(plan: &Value) -> String {
    let about = fields([("would send", counted(plan)), ("it would take", format!("{} s", plan["seconds"]))]);
    let causes = plan["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if causes.is_empty() {
        return about;
    }
    let row = |cause: &Value| ["count", "reason", "cause"].map(|name| text(&cause[name]));
    format!("{about}\n{}", table(["count", "reason", "cause"], causes.iter().map(row)))
}
