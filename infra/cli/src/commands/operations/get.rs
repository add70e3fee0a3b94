//! `get`: shows one notification, and searches over all tenants for a text that is not a reference.

use super::client::items;
use super::shown::{self, second, text};
use super::{Access, Caller, Client, tenant};
use crate::candidates;
use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report, printable, table};
use crate::stack::Stack;
use crate::terminal::Progress;
use crate::text::{Since, plural, since, when};
use clap::Args;
use serde_json::{Value, json};
use std::io::IsTerminal;
use webhooks_host::{Host, SystemHost};

/// Pages of one look. Each covers a bounded part of the table.
const PAGES: u64 = 50;
/// The API's longest page.
const PAGE: &str = "50";

#[derive(Debug, Args)]
pub struct Get {
    /// A `ref`, a number or a part of it, or the id of a notification, an event, a delivery or a
    /// trace
    #[arg(value_name = "ANYTHING")]
    what: String,
    #[command(flatten)]
    place: Where,
    /// Show the exact text as it came, which may hold personal data (role raw)
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
struct Where {
    /// Search only this tenant, by its name, company number or id; all by default
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// Received since: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 24h; 90 days
    /// by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    from: Option<Since>,
    /// Received before; now by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    /// Stop after this many matches
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
}

/// # Errors
/// The API refuses, has no such notification, or does not answer.
pub async fn get(stack: &Stack, caller: &Caller, options: Get) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let Get { what, place, raw, .. } = &options;
    match named(&client, what, *raw).await {
        // It is not a `ref`, or no record has it.
        Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Usage) => {}
        shown => return shown,
    }
    let found = find(&client, what, place).await?;
    match found["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => Err(nothing(what, &found)),
        [one] => named(&client, &text(&one["ref"]), *raw).await,
        _ if *raw => {
            Err(Failure::usage(format!("several fit {what}"), "Take the `ref` of one: get shows them without --raw."))
        }
        _ => {
            let text = list(&found);
            Ok(Report::new(found, text))
        }
    }
}

async fn named(client: &Client<'_>, name: &str, raw: bool) -> Outcome {
    if raw {
        let raw = client.get(&["operations", "raw", "notifications", name], &[]).await?;
        let text = raw["text"].as_str().unwrap_or_default().to_owned();
        let text = if std::io::stdout().is_terminal() { printable(&text) } else { text };
        return Ok(Report::new(raw, text));
    }
    let one = client.get(&["operations", "v1", "notifications", name], &[]).await?;
    let text = shown::timeline(&one);
    Ok(Report::new(one, text))
}

/// All matches, and how far back the search went.
async fn find(client: &Client<'_>, what: &str, place: &Where) -> Result<Value, Failure> {
    let now = SystemHost.now();
    let at = |since: Option<Since>| since.map(|since| when(since.at(now)));
    let tenant = tenant::resolve_some(client, place.tenant.as_deref()).await?;
    let given = [("tenant", tenant), ("from", at(place.from)), ("to", at(place.to))];
    let (mut found, mut next, mut last, mut left_out) = (vec![], None::<String>, Value::Null, 0);
    let mut progress = Progress::of(None);
    for page in 0_u64.. {
        let mut query = vec![("q", what), ("limit", PAGE)];
        query.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
        query.extend(next.as_deref().map(|next| ("cursor", next)));
        last = client.get(&["operations", "v1", "search"], &query).await?;
        found.extend(items(&mut last)?);
        left_out += last["left_out"].as_u64().unwrap_or_default();
        next = last["next"].as_str().map(str::to_owned);
        if next.is_none() || found.len() >= place.limit || page >= PAGES {
            break;
        }
        progress.tell(page, &format!("searched back to {}", back_to(&last)));
    }
    last["items"] = json!(found);
    if left_out > 0 {
        last["left_out"] = json!(left_out);
    }
    Ok(last)
}

fn nothing(what: &str, found: &Value) -> Failure {
    let advice = match found["next"].is_null() {
        true => format!("Searched back to {} in {}.", back_to(found), tenants(found)),
        false => format!("Searched back to {}. To continue: --to {}", back_to(found), back_to(found)),
    };
    Failure::new(Exit::NotFound, format!("nothing fits {what}"), advice)
}

fn tenants(found: &Value) -> String {
    plural(found["tenants"].as_u64().unwrap_or_default(), "tenant")
}

fn list(found: &Value) -> String {
    let heads = ["received (utc)", "entity", "key", "state", "fits", "tenant", "ref"];
    let rows = found["items"].as_array().into_iter().flatten().map(|item| {
        let of = |name: &str| text(&item[name]);
        [second(&of("received_at")), of("entity"), of("key"), of("state"), of("matched"), of("tenant"), of("ref")]
    });
    let end = match found["next"].is_null() {
        true if found["left_out"].is_u64() => "That is not all".to_owned(),
        true => "That is all".to_owned(),
        false => format!("There may be more: --to {}", back_to(found)),
    };
    format!("{}\n\n{end}. Searched back to {}.\n", table(heads, rows), back_to(found))
}

fn back_to(found: &Value) -> String {
    second(&text(&found["searched_to"]))
}
