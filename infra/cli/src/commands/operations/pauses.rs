//! `pauses`: lists, begins and ends pauses. Notifications of a pause wait in the ledger.

use super::client::items;
use super::options::View;
use super::shown::{second, text};
use super::{Access, Caller, Client, tenant};
use crate::candidates;
use crate::output::{Format, Outcome, Report, table};
use crate::stack::Stack;
use crate::text::{duration, moment, when};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use webhooks_host::{Host, SystemHost};

#[derive(Debug, Subcommand)]
pub enum Pauses {
    /// Show the pauses
    #[command(after_help = "Examples:
  visma-webhooks pauses list
  visma-webhooks --local pauses list")]
    List(View),
    /// Begin a pause: its notifications wait. Functions notice within 15 seconds
    #[command(after_help = "Examples:
  visma-webhooks pauses begin --events \"sales_order.*\" --note outage
  visma-webhooks pauses begin --events \"*\" --for 2h
  visma-webhooks pauses begin --events \"*\" --tenant 10000000-0000-4000-8000-000000000001
  visma-webhooks --local pauses begin --events \"sales_order.*\" --note outage")]
    Begin(Begin),
    /// End a pause: a job that starts by itself releases its notifications
    #[command(after_help = "Examples:
  visma-webhooks pauses end --events \"sales_order.*\"
  visma-webhooks --local pauses end --events \"sales_order.*\"")]
    End(Which),
}

#[derive(Debug, Args)]
pub struct Which {
    /// A pattern over ENTITY.KIND, such as sales_order.*; * for everything. Quote it in a shell
    #[arg(long, value_name = "PATTERN")]
    events: String,
    /// The tenant, by its name, company number or id; every tenant by default
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// The reason, for readers of the list
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Begin {
    #[command(flatten)]
    which: Which,
    /// When it ends by itself: a time such as 2026-12-01T06:00Z, at most 30 days ahead
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with = "lasts")]
    until: Option<OffsetDateTime>,
    /// How long until it ends by itself: 90s, 30m, 24h or 7d
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    lasts: Option<Duration>,
    /// Nothing has come from the tenant yet. Without this, such a pause is refused
    #[arg(long, requires = "tenant")]
    new_tenant: bool,
}

impl Begin {
    fn end(&self) -> Option<String> {
        self.until.or_else(|| self.lasts.map(|lasts| SystemHost.now() + lasts)).map(when)
    }
}

/// # Errors
/// The API refuses, has no such pause, or does not answer.
pub async fn pauses(stack: &Stack, caller: &Caller, command: Pauses, format: Format) -> Outcome {
    let (method, done, which, until, is_new) = match command {
        Pauses::List(View { watch, access }) => {
            let client = Client::new(stack, caller, &access).await?;
            let path = ["operations", "v1", "pauses"];
            return watch.show(format, async || list(client.get(&path, &[]).await?)).await;
        }
        Pauses::Begin(begin) => {
            let until = begin.end();
            (Method::PUT, "paused", begin.which, until, begin.new_tenant)
        }
        Pauses::End(which) => (Method::DELETE, "resumed", which, None, false),
    };
    let client = Client::new(stack, caller, &which.access).await?;
    let mut body = json!({ "events": which.events, "note": which.note });
    let tenant = match &which.tenant {
        // A pause can also be ended for a tenant that is no longer known, or begun for one that is
        // not known yet.
        Some(text) if is_new || method == Method::DELETE => Some(tenant::resolve_or_same(&client, text).await?),
        text => tenant::resolve_some(&client, text.as_deref()).await?,
    };
    if let Some(tenant) = &tenant {
        body["tenant"] = json!(tenant);
    }
    if let Some(until) = &until {
        body["until"] = json!(until);
    }
    if is_new {
        body["new_tenant"] = json!(true);
    }
    client.send(method, &["operations", "v1", "pauses"], &body).await?;
    let whose = tenant.as_deref().unwrap_or("every tenant");
    let end = until.as_deref().map(|until| format!(" until {until}")).unwrap_or_default();
    let text = format!("{done}: {} of {whose}{end} (noticed within 15 seconds)", which.events);
    Ok(Report::new(json!({ "done": done, "events": which.events, "tenant": tenant, "until": until }), text))
}

fn list(mut all: Value) -> Outcome {
    let items = items(&mut all)?;
    let rows = items.iter().map(|pause| {
        let [events, tenant, by, note] = ["events", "tenant", "by", "note"].map(|name| text(&pause[name]));
        let tenant = if tenant.is_empty() { "all".to_owned() } else { tenant };
        let [since, until] = ["since", "until"].map(|name| second(&text(&pause[name])));
        [since, until, events, tenant, by, note]
    });
    let text = table(["since (utc)", "until (utc)", "events", "tenant", "by", "note"], rows);
    let text = if items.is_empty() { "Nothing is paused.".to_owned() } else { text };
    Ok(Report::new(items, text))
}
