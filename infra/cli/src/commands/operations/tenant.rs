//! `tenants` and `--tenant`: finds tenants by the names in the directory of the operations API.

use super::client::items;
use super::{Access, Caller, Client, shown};
use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report, printable, table};
use crate::stack::Stack;
use crate::text::exact;
use clap::Args;
use serde_json::Value;
use similar::get_close_matches;
use std::collections::BTreeSet;
use time::Duration;
use uuid::Uuid;
use webhooks_host::{Host, SystemHost};
use webhooks_model::notification::UNKNOWN_TENANT;

const NEAR: usize = 3;
/// How similar two names must be.
const ALIKE: f32 = 0.5;
/// The longest range that the API accepts.
const LOOKBACK: Duration = Duration::days(89);

#[derive(Debug, Args)]
pub struct Tenants {
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses or does not answer.
pub async fn tenants(stack: &Stack, caller: &Caller, options: Tenants) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let mut all = client.get(&["operations", "v1", "tenants"], &[]).await?;
    let items = items(&mut all)?;
    let rows = items.iter().map(|item| {
        let [name, company, heard, id] =
            ["name", "company_id", "heard_at", "id"].map(|field| shown::text(&item[field]));
        let silent = if item["is_silent"] == true { "silent" } else { "" };
        [name, company, shown::second(&heard), silent.to_owned(), id]
    });
    let text = table(["name", "company", "heard of (utc)", "silent", "id"], rows);
    Ok(Report::new(items, text))
}

/// The id of the tenant with this name, company number or id. If the directory is empty, is not
/// there or may not be read, the text itself: nothing can tell then whether it is an id.
///
/// # Errors
/// No tenant or several tenants match.
pub(super) async fn resolve(client: &Client<'_>, text: &str) -> Result<String, Failure> {
    let known = directory(client).await?;
    let found = meant(&known, text);
    if let [id] = found.as_slice() {
        return Ok(id.clone());
    }
    if !found.is_empty() {
        let advice = format!("Say which: {}.", found.join(", "));
        return Err(Failure::usage(format!("several tenants are called {}", printable(text)), advice));
    }
    let is_other = Uuid::parse_str(text).is_ok() || text == UNKNOWN_TENANT;
    // A subscription may serve tenants that the settings do not list.
    if known.is_empty() || (is_other && has_notifications(client, text).await?) {
        return Ok(text.to_owned());
    }
    Err(Failure::new(Exit::NotFound, format!("no tenant is called {}", printable(text)), nearest(&known, text)))
}

/// The same, but an unknown tenant is not an error, since it may have been known before.
pub(super) async fn resolve_or_same(client: &Client<'_>, text: &str) -> Result<String, Failure> {
    let found = meant(&directory(client).await?, text);
    Ok(if let [id] = found.as_slice() { id.clone() } else { text.to_owned() })
}

/// The same for an optional argument.
pub(super) async fn resolve_some(client: &Client<'_>, text: Option<&str>) -> Result<Option<String>, Failure> {
    match text {
        Some(text) => resolve(client, text).await.map(Some),
        None => Ok(None),
    }
}

/// A caller with the role repair may lack `read`. The next call reports that if it matters.
async fn directory(client: &Client<'_>) -> Result<Vec<Value>, Failure> {
    match client.get(&["operations", "v1", "tenants"], &[]).await {
        Ok(mut all) => {
            let items = all.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
            Ok(items.into_iter().filter(|item| item["id"].is_string()).collect())
        }
        Err(failure) if matches!(failure.exit, Exit::Refused | Exit::NotFound) => Ok(vec![]),
        Err(failure) => Err(failure),
    }
}

/// An id comes before names and numbers.
fn meant(known: &[Value], text: &str) -> Vec<String> {
    let wanted = text.trim().to_lowercase();
    if wanted.is_empty() {
        return vec![];
    }
    let with = |fields: &[&str]| -> BTreeSet<String> {
        let is = |item: &&Value| fields.iter().any(|name| shown::text(&item[*name]).to_lowercase() == wanted);
        known.iter().filter(is).map(|item| shown::text(&item["id"])).collect()
    };
    let by_id = with(&["id"]);
    let found = if by_id.is_empty() { with(&["name", "company_id"]) } else { by_id };
    found.into_iter().collect()
}

async fn has_notifications(client: &Client<'_>, tenant: &str) -> Result<bool, Failure> {
    let from = exact(SystemHost.now() - LOOKBACK);
    let query = [("tenant", tenant), ("from", from.as_str())];
    Ok(!client.pages(&["operations", "v1", "notifications"], &query, 1).await?.found.is_empty())
}

fn nearest(known: &[Value], text: &str) -> String {
    let named = |item: &Value| ["name", "company_id", "id"].map(|name| shown::text(&item[name]));
    let names: Vec<[String; 3]> = known.iter().map(named).collect();
    let lower: BTreeSet<String> = names.iter().flatten().map(|name| name.to_lowercase()).collect();
    let words: Vec<&str> = lower.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let near = get_close_matches(text.to_lowercase().as_str(), &words, NEAR, ALIKE);
    let written = |near: &&str| names.iter().flatten().find(|name| name.to_lowercase() == **near);
    let near: Vec<String> = near.iter().filter_map(written).map(|name| printable(name)).collect();
    match near.is_empty() {
        true => "Give its name, its company number or its id, as the settings have them.".to_owned(),
        false => format!("Did you mean: {}?", near.join(", ")),
    }
}
