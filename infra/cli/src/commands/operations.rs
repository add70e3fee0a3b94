//! `get`, `tail`, `replay`, `learn`, `observed` and `stats`: the operations API (functions/operations/README.md).

mod caller;
mod client;
mod find;
mod learn;
mod observed;
mod replay;
mod shown;
mod stats;

pub use caller::Caller;
pub use learn::{Learn, learn, learn_with};
pub use observed::{Observed, observed};
pub use replay::{Replay, replay};
pub use stats::{Stats, stats};

use crate::error::{Exit, Failure};
use crate::interrupt::{self, requested};
use crate::output::{Format, Outcome, Report, line};
use crate::stack::Stack;
use crate::text::duration;
use clap::Args;
use client::Client;
use serde_json::Value;
use std::collections::HashMap;
use std::io::IsTerminal;
use time::Duration;

const KNOWN: usize = 10_000;
/// The API's longest page.
const PAGE: &str = "100";
/// Pages that one look goes through, each of a bounded part of the table.
const PAGES: usize = 20;

#[derive(Debug, Args)]
pub struct Access {
    /// The operations API, if it is not at the stack's ApiUrl
    #[arg(long, env = "VISMA_WEBHOOKS_API", value_name = "URL")]
    api: Option<String>,
}

#[derive(Debug, Args)]
pub struct Get {
    /// A `ref`, a number or a part of it, or the id of a notification, an event, a delivery or a trace
    #[arg(value_name = "ANYTHING")]
    what: String,
    #[command(flatten)]
    place: find::Where,
    /// The exact text as it came, which may hold personal data (role raw)
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Tail {
    /// The tenant's id
    #[arg(long, value_name = "ID")]
    tenant: String,
    /// Only of this entity, such as sales_order
    #[arg(long)]
    entity: Option<String>,
    /// Only of this event, such as ACCOUNT_CHANGED
    #[arg(long)]
    event: Option<String>,
    /// Only in this state, such as dead
    #[arg(long)]
    state: Option<String>,
    /// Show the newest ones of the last seven days and stop
    #[arg(long)]
    once: bool,
    /// The most to show at first
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
    /// How often to ask
    #[arg(long, default_value = "2s", value_parser = duration)]
    every: Duration,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses, does not know it, or does not answer.
pub async fn get(stack: &Stack, caller: &Caller, options: Get) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let Get { what, place, raw, .. } = &options;
    match named(&client, what, *raw).await {
        // It is no name, or that of no record.
        Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Usage) => {}
        shown => return shown,
    }
    let found = find::find(&client, what, place).await?;
    match found["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => Err(find::nothing(what, &found)),
        [one] => named(&client, &shown::text(&one["ref"]), *raw).await,
        _ if *raw => {
            Err(Failure::usage(format!("several fit {what}"), "Take the `ref` of one: get shows them without --raw."))
        }
        _ => {
            let text = find::list(&found);
            Ok(Report::new(found, text))
        }
    }
}

async fn named(client: &Client<'_>, name: &str, raw: bool) -> Outcome {
    if raw {
        let raw = client.get(&["operations", "raw", "notifications", name], &[]).await?;
        let text = raw["text"].as_str().unwrap_or_default().to_owned();
        let text = if std::io::stdout().is_terminal() { crate::output::printable(&text) } else { text };
        return Ok(Report::new(raw, text));
    }
    let one = client.get(&["operations", "v1", "notifications", name], &[]).await?;
    let text = shown::timeline(&one);
    Ok(Report::new(one, text))
}

/// # Errors
/// As [`get`]. Goes on until Ctrl-C, also over moments in which the API does not answer.
pub async fn tail(stack: &Stack, caller: &Caller, options: Tail, format: Format) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let given = [("entity", &options.entity), ("event", &options.event), ("state", &options.state)];
    let mut query = vec![("tenant", options.tenant.as_str()), ("limit", PAGE)];
    query.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let mut first = newest(&client, &query, |found| found.len() < options.limit).await?;
    first.truncate(options.limit);
    if options.once {
        let text = shown::list(&first);
        return Ok(Report::new(first, text));
    }
    let mut seen = HashMap::new();
    print_news(&mut seen, &first, format)?;
    let (stop, every) = (interrupt::listen(), options.every.unsigned_abs());
    loop {
        tokio::select! {
            biased;
            () = requested(&stop) => return Ok(Report::new(Value::Null, "").with_exit(Exit::Interrupted)),
            () = tokio::time::sleep(every) => {}
        }
        let known = |item: &Value| seen.contains_key(&shown::text(&item["ref"]));
        match newest(&client, &query, |found| !found.last().is_none_or(known)).await {
            Ok(list) => print_news(&mut seen, &list, format)?,
            Err(failure) if failure.exit == Exit::Unavailable => eprintln!("{failure}; asking again"),
            Err(failure) => return Err(failure),
        }
    }
}

/// The list from its newest end, while `more` of it is wanted. A page may be short or empty and the list still go on.
async fn newest(
    client: &Client<'_>,
    query: &[(&str, &str)],
    more: impl Fn(&[Value]) -> bool,
) -> Result<Vec<Value>, Failure> {
    let (mut found, mut cursor) = (vec![], None::<String>);
    for _ in 0..PAGES {
        let cursor_given = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query: Vec<_> = query.iter().copied().chain(cursor_given).collect();
        let mut page = client.get(&["operations", "v1", "notifications"], &query).await?;
        if let Value::Array(items) = page["items"].take() {
            found.extend(items);
        }
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() || !more(&found) {
            break;
        }
    }
    Ok(found)
}

/// Oldest first, those that are new or have changed since they were shown.
fn print_news(seen: &mut HashMap<String, String>, list: &[Value], format: Format) -> Result<(), Failure> {
    if seen.len() > KNOWN {
        seen.retain(|name, _| list.iter().any(|item| item["ref"] == *name));
    }
    for item in list.iter().rev() {
        let (name, version) =
            (shown::text(&item["ref"]), format!("{}{}{}", item["state"], item["reason"], item["feedback"]));
        if seen.insert(name, version.clone()).is_none_or(|before| before != version) {
            line(&match format {
                Format::Json => item.to_string(),
                Format::Table => shown::line(item),
            })?;
        }
    }
    Ok(())
}
