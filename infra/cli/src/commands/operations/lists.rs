//! Lists: what needs attention, counts, the audit, quotas, an entity.

use super::client::{Items, items};
use super::options::{View, Watch};
use super::shown::{second, text};
use super::{Access, Caller, Client, shown, tenant};
use crate::candidates;
use crate::error::Failure;
use crate::output::{Format, Outcome, Report, fields, table};
use crate::stack::Stack;
use crate::text::{Since, exact, since};
use clap::{Args, ValueEnum};
use serde_json::json;
use webhooks_host::{Host, SystemHost};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Dead,
    Parked,
    Unparseable,
    FeedbackParked,
    Paused,
}

impl Kind {
    /// What a person should look at. Paused notifications just wait, and are shown on demand.
    const USUAL: [Self; 4] = [Self::Dead, Self::Parked, Self::Unparseable, Self::FeedbackParked];

    fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Parked => "parked",
            Self::Unparseable => "unparseable",
            Self::FeedbackParked => "feedback_parked",
            Self::Paused => "paused",
        }
    }
}

#[derive(Debug, Args)]
pub struct Attention {
    /// Only this kind; all except paused by default
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only of this tenant, by its name, company number or id
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// Show acknowledged notifications instead of the others
    #[arg(long)]
    acknowledged: bool,
    /// The most to show of each kind
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Audit {
    /// Only records about this tenant, by its name, company number or id
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// Done since: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 24h; 30 days by
    /// default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    from: Option<Since>,
    /// Done before; now by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    /// The most to show
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Entity {
    /// The tenant, by its name, company number or id
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: String,
    /// The kind of entity, such as account, customer or sales_order
    entity: String,
    /// Its number, such as 1920 or SO/000123
    key: String,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses or does not answer.
pub async fn counts(stack: &Stack, caller: &Caller, options: View, format: Format) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let look = async || {
        let all = client.get(&["operations", "v1", "counts"], &[]).await?;
        let pairs: Vec<(String, String)> =
            all.as_object().into_iter().flatten().map(|(name, count)| (name.replace('_', " "), text(count))).collect();
        let text = fields(pairs.iter().map(|(name, count)| (name.as_str(), count.clone())));
        Ok::<_, Failure>(Report::new(all, text))
    };
    options.watch.show(format, look).await
}

/// # Errors
/// As [`counts`].
pub async fn attention(stack: &Stack, caller: &Caller, options: Attention, format: Format) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let tenant = tenant::resolve_some(&client, options.tenant.as_deref()).await?;
    let kinds = options.kind.map_or(Kind::USUAL.to_vec(), |kind| vec![kind]);
    let look = async || {
        let (mut all, mut is_cut, mut is_short) = (vec![], false, false);
        for kind in &kinds {
            let mut query = vec![("kind", kind.as_str())];
            query.extend(tenant.as_deref().map(|tenant| ("tenant", tenant)));
            query.extend(options.acknowledged.then_some(("acknowledged", "true")));
            let mut items = client.pages(&["operations", "v1", "attention"], &query, options.limit).await?;
            items.found.iter_mut().for_each(|item| item["kind"] = json!(kind.as_str()));
            all.extend(items.found);
            is_cut |= items.is_cut;
            is_short |= items.is_short;
        }
        let text = match (all.is_empty(), options.acknowledged) {
            (true, _) if is_short => String::new(),
            (true, true) => "Nothing is acknowledged.".to_owned(),
            (true, false) => "Nothing needs attention.".to_owned(),
            (false, true) => shown::acknowledged(&all),
            (false, false) => shown::attention(&all),
        };
        Ok::<_, Failure>(Report::new(all, text).limited(is_cut))
    };
    options.watch.show(format, look).await
}

/// # Errors
/// As [`counts`].
pub async fn audit(stack: &Stack, caller: &Caller, options: Audit) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let now = SystemHost.now();
    let [from, to] = [options.from, options.to].map(|since| since.map(|since| exact(since.at(now))));
    let tenant = match &options.tenant {
        Some(tenant) => Some(tenant::resolve_or_same(&client, tenant).await?),
        None => None,
    };
    let given = [("tenant", &tenant), ("from", &from), ("to", &to)];
    let query: Vec<_> = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let Items { found, is_cut, .. } = client.pages(&["operations", "v1", "audit"], &query, options.limit).await?;
    let rows = found.iter().map(|item| {
        let [by, deed, kind, result] = ["by", "deed", "kind", "result"].map(|name| text(&item[name]));
        [second(&text(&item["at"])), by, deed, result, kind, text(&item["name"])]
    });
    let lines = table(["at (utc)", "by", "deed", "result", "kind", "name"], rows);
    Ok(Report::new(found, lines).limited(is_cut))
}

/// # Errors
/// As [`counts`].
pub async fn quotas(stack: &Stack, caller: &Caller, options: View, format: Format) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let look = async || {
        let mut all = client.get(&["operations", "v1", "quotas"], &[]).await?;
        let items = items(&mut all)?;
        let rows = items.iter().map(|item| {
            let assumed = if item["is_assumed"] == true { " (assumed)" } else { "" };
            let [resets, done] = ["resets_at", "done_at"].map(|name| second(&text(&item[name])));
            let calls = format!("{}{assumed}", item["calls_per_hour"]);
            [text(&item["waiting"]), calls, resets, done, text(&item["tenant"])]
        });
        let shown = table(["waiting", "calls an hour", "resets (utc)", "done (utc)", "tenant"], rows);
        Ok::<_, Failure>(Report::new(items, shown))
    };
    options.watch.show(format, look).await
}

/// # Errors
/// As [`counts`], or there is no such entity.
pub async fn entity(stack: &Stack, caller: &Caller, options: Entity) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let tenant = tenant::resolve(&client, &options.tenant).await?;
    let query = [("tenant", tenant.as_str()), ("entity", options.entity.as_str()), ("key", options.key.as_str())];
    let one = client.get(&["operations", "v1", "entities"], &query).await?;
    let also = one["also"].as_array().into_iter().flatten();
    let also: Vec<String> =
        also.map(|other| format!("{} ({})", text(&other["key"]), text(&other["relation"]))).collect();
    let current = &one["current"];
    let is = |name: &str| if current[name] == true { "yes".to_owned() } else { String::new() };
    let about = fields([
        ("tenant", text(&one["tenant"])),
        ("entity", text(&one["entity"])),
        ("key", text(&one["key"])),
        ("status", text(&current["status"])),
        ("detail", text(&current["detail"])),
        ("deleted", is("deleted")),
        ("gone", is("gone")),
        ("also", also.join(", ")),
    ]);
    let notifications = one["notifications"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = format!("{about}\n{}", shown::list(notifications));
    Ok(Report::new(one, shown))
}
