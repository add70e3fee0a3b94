//! `stats`: the hours or days in numbers, as in the console's overview.

use super::shown::{second, text};
use super::{Access, Caller, Client, tenant};
use crate::candidates;
use crate::output::{Outcome, Report, fields, table};
use crate::stack::Stack;
use crate::text::{Since, since, when};
use clap::{Args, ValueEnum};
use serde_json::Value;
use webhooks_host::{Host, SystemHost};

/// The time span of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Hour,
    /// A day in UTC
    Day,
}

#[derive(Debug, Args)]
pub struct Stats {
    /// The tenant, by its name, company number or id; the sum of all tenants by default
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// The time span of one line
    #[arg(long, value_enum, default_value_t = By::Hour)]
    by: By,
    /// Received since: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 12h; by
    /// default one day, or two weeks with --by day
    #[arg(long, value_name = "WHEN", value_parser = since)]
    from: Option<Since>,
    /// Received before; now by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses or does not answer.
pub async fn stats(stack: &Stack, caller: &Caller, options: Stats) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let now = SystemHost.now();
    let at = |since: Option<Since>| since.map(|since| when(since.at(now)));
    let by = if options.by == By::Day { "day" } else { "hour" };
    let tenant = tenant::resolve_some(&client, options.tenant.as_deref()).await?;
    let given = [("tenant", tenant), ("from", at(options.from)), ("to", at(options.to))];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query: Vec<(&str, &str)> = std::iter::once(("by", by)).chain(given).collect();
    let overview = client.get(&["operations", "v1", "overview"], &query).await?;
    let text = shown(&overview);
    Ok(Report::new(overview, text))
}

fn shown(overview: &Value) -> String {
    let (total, waiting) = (&overview["total"], &overview["waiting"]);
    let counted = &overview["counted_to"];
    let counted =
        if counted.is_null() { "nothing yet: the schedule has not run".into() } else { second(&text(counted)) };
    let about = fields([
        ("tenant", text(&overview["tenant"])),
        ("counted up to", counted),
        ("received", text(&total["received"])),
        ("processed", text(&total["processed"])),
        ("answered", text(&total["answered"])),
        ("failed", text(&total["failed"])),
        ("still open", text(&total["open"])),
        ("gaps found", text(&total["gaps"])),
        ("to the end", took(&total["to_end"])),
        ("to the feedback", took(&total["to_feedback"])),
        ("wait for calls", text(&waiting["rate_limited"])),
        ("out of calls until", second(&text(&waiting["done_at"]))),
        ("wait for another try", text(&waiting["retrying"])),
        ("paused", text(&waiting["paused"])),
        ("calls left", text(&overview["calls_left"])),
        ("silent tenants", text(&overview["silent_tenants"])),
    ]);
    let heads = ["from", "received", "processed", "answered", "failed", "gaps", "to feedback"];
    let came = each(&overview["items"]).filter(|item| item["received"] != 0);
    let lines = table(heads, came.map(line));
    let names = [("parked", "reason"), ("entities", "entity"), ("keys", "key")];
    let most = names.into_iter().flat_map(|(list, name)| each(&overview[list]).map(move |one| share(list, name, one)));
    format!("{about}\n{lines}\n\n{}", table(["most of", "", "count"], most))
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn line(item: &Value) -> [String; 7] {
    let of = |name: &str| text(&item[name]);
    let feedback = &item["to_feedback"]["p95_ms"];
    let feedback = feedback.as_u64().map(span).unwrap_or_default();
    [second(&of("from")), of("received"), of("processed"), of("answered"), of("failed"), of("gaps"), feedback]
}

fn share(list: &str, name: &str, one: &Value) -> [String; 3] {
    let what = if list == "keys" { format!("{} {}", text(&one["entity"]), text(&one[name])) } else { text(&one[name]) };
    [list.to_owned(), what, text(&one["count"])]
}

/// The median, and the 95th percentile.
fn took(times: &Value) -> String {
    let of = |name: &str| times[name].as_u64().map(span);
    of("p50_ms").zip(of("p95_ms")).map_or_else(String::new, |(half, most)| format!("{half}, 95 of 100 in {most}"))
}

fn span(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        10_000..600_000 => format!("{} s", millis / 1_000),
        600_000..36_000_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}
