//! `pauses`: what waits in the ledger until somebody lets it go on.

use super::shown::{second, text};
use super::watch::View;
use super::{Access, Caller, Client, tenant};
use crate::live;
use crate::output::{Format, Outcome, Report, table};
use crate::stack::Stack;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Pauses {
    /// Show what is paused
    #[command(after_help = "Examples:
  visma-webhooks pauses list
  visma-webhooks --local pauses list")]
    List(View),
    /// Pause: what comes waits. Functions notice within 15 seconds
    #[command(after_help = "Examples:
  visma-webhooks pauses begin --events sales_order.* --note outage
  visma-webhooks pauses begin --events * --tenant 10000000-0000-4000-8000-000000000001
  visma-webhooks --local pauses begin --events sales_order.* --note outage")]
    Begin(Which),
    /// End a pause: what waited goes on by a job that begins by itself
    #[command(after_help = "Examples:
  visma-webhooks pauses end --events sales_order.*
  visma-webhooks --local pauses end --events sales_order.*")]
    End(Which),
}

#[derive(Debug, Args)]
pub struct Which {
    /// A pattern over ENTITY.KIND, such as sales_order.*; * for everything. Quote it in a shell
    #[arg(long, value_name = "PATTERN")]
    events: String,
    /// Of this tenant, by its name, company number or id; of every tenant unless told
    #[arg(long, value_name = "TENANT", add = live::tenant())]
    tenant: Option<String>,
    /// Why, for whoever reads the list
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses, knows no such pause, or does not answer.
pub async fn pauses(stack: &Stack, caller: &Caller, command: Pauses, format: Format) -> Outcome {
    let (method, done, which) = match command {
        Pauses::List(View { watch, access }) => {
            let client = Client::new(stack, caller, &access).await?;
            let path = ["operations", "v1", "pauses"];
            return watch.show(format, async || list(client.get(&path, &[]).await?)).await;
        }
        Pauses::Begin(which) => (Method::PUT, "paused", which),
        Pauses::End(which) => (Method::DELETE, "resumed", which),
    };
    let client = Client::new(stack, caller, &which.access).await?;
    let mut body = json!({ "events": which.events, "note": which.note });
    let tenant = match &which.tenant {
        // A pause ends also for a tenant that is not known any more.
        Some(text) if method == Method::DELETE => Some(tenant::resolve_or_same(&client, text).await?),
        text => tenant::resolve_some(&client, text.as_deref()).await?,
    };
    if let Some(tenant) = &tenant {
        body["tenant"] = json!(tenant);
    }
    client.send(method, &["operations", "v1", "pauses"], &body).await?;
    let whose = tenant.as_deref().unwrap_or("every tenant");
    let text = format!("{done}: {} of {whose} (noticed within 15 seconds)", which.events);
    Ok(Report::new(json!({ "done": done, "events": which.events, "tenant": tenant }), text))
}

fn list(mut all: Value) -> Outcome {
    let items = all["items"].take();
    let rows = items.as_array().into_iter().flatten().map(|pause| {
        let [events, tenant, by, note] = ["events", "tenant", "by", "note"].map(|name| text(&pause[name]));
        let tenant = if tenant.is_empty() { "all".to_owned() } else { tenant };
        [second(&text(&pause["since"])), events, tenant, by, note]
    });
    let text = table(["since (utc)", "events", "tenant", "by", "note"], rows);
    let is_empty = items.as_array().is_none_or(Vec::is_empty);
    Ok(Report::new(items, if is_empty { "Nothing is paused.".to_owned() } else { text }))
}
