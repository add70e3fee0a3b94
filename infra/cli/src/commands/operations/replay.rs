//! `replay`: replays one notification, or starts a job for all that match a filter and watches it.

use super::begin::begin;
use super::jobs::{counted, follow_or_detach, not_begun};
use super::options::Start;
use super::{Access, Caller, Client, shown, tenant};
use crate::candidates;
use crate::output::{Outcome, Report, fields};
use crate::stack::Stack;
use crate::terminal::{Ask, Stop, say};
use crate::text::{Since, canonical_event, duration, exact, since};
use clap::Args;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use webhooks_host::{Host, SystemHost};
use webhooks_model::State;

/// The most notifications of a plan's sample to show.
const SAMPLE: usize = 10;

#[derive(Debug, Args)]
pub struct Replay {
    /// The notification's `ref`; without it, the filter decides
    #[arg(value_name = "REF", conflicts_with_all = ["plan", "tenant", "all_tenants", "from", "to", "states", "entity",
        "event", "rate", "detach", "resume", "all_states"])]
    reference: Option<String>,
    /// Only show what would be replayed
    #[arg(long)]
    plan: bool,
    /// The tenant, by its name, company number or id; required for a filter, or --all-tenants
    #[arg(long, value_name = "TENANT", add = candidates::tenant(),
        required_unless_present_any = ["reference", "resume", "all_tenants"])]
    tenant: Option<String>,
    /// Of every tenant, by one job
    #[arg(long, conflicts_with = "tenant")]
    all_tenants: bool,
    /// Received since: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 24h
    #[arg(long, value_name = "WHEN", required_unless_present_any = ["reference", "resume"], value_parser = since)]
    from: Option<Since>,
    /// Received before; now by default
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    /// Only in this state, such as dead; may be repeated. By default the failed states: dead,
    /// parked, unparseable
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// In every state, including succeeded notifications
    #[arg(long, conflicts_with = "states")]
    all_states: bool,
    /// Only of this entity, such as sales_order
    #[arg(long)]
    entity: Option<String>,
    /// Only of this event, such as ACCOUNT_CHANGED
    #[arg(long, add = candidates::event())]
    event: Option<String>,
    #[command(flatten)]
    start: Start,
    /// The reason, for readers of the timeline
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Continue a job that was stopped. A job that runs goes on, and is watched; Ctrl-C stops it. To
    /// only watch: jobs get --watch
    #[arg(long, value_name = "JOB", conflicts_with_all = ["plan", "tenant", "all_tenants", "from", "to", "states",
        "entity", "event", "rate", "all_states"])]
    resume: Option<Uuid>,
    /// How often to ask for the progress
    #[arg(long, default_value = "1s", value_parser = duration)]
    every: Duration,
    #[command(flatten)]
    access: Access,
}

impl Replay {
    fn filter(&self) -> Value {
        let now = SystemHost.now();
        let at = |since: Option<Since>| exact(since.map_or(now, |since| since.at(now)));
        let mut filter = json!({
            "from": at(self.from), "to": at(self.to), "states": self.states(), "note": self.note,
        });
        let event = self.event.as_deref().map(canonical_event);
        for (name, value) in [("tenant", &self.tenant), ("entity", &self.entity), ("event", &event)] {
            if let Some(value) = value {
                filter[name] = json!(value);
            }
        }
        self.start.paced(filter)
    }

    fn states(&self) -> Vec<String> {
        match self.states.as_slice() {
            [] if self.all_states => vec![],
            [] => State::ALL.into_iter().filter(|state| state.needs_attention()).map(|s| s.as_str().into()).collect(),
            told => told.to_vec(),
        }
    }
}

/// Asks `ask` before a job starts, if there is a person to ask. Calls `listen` when there may be
/// something to stop: a job, which is then cancelled before its next slice.
///
/// # Errors
/// The API refuses, has no such notification or job, or does not answer.
pub async fn replay(
    stack: &Stack,
    caller: &Caller,
    mut options: Replay,
    ask: Ask,
    listen: impl FnOnce() -> Stop,
) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    if let Some(name) = &options.reference {
        let path = ["operations", "v1", "notifications", name, "replay"];
        client.post(&path, &json!({ "note": options.note })).await?;
        let told = "It is on its way; get shows its state.";
        return Ok(Report::new(json!({ "ref": name, "replayed": true }), told));
    }
    options.tenant = tenant::resolve_some(&client, options.tenant.as_deref()).await?;
    let filter = options.filter();
    let ask = options.start.person(ask).filter(|_| options.resume.is_none());
    let mut expected = None;
    if options.plan || ask.is_some() {
        let plan = client.post(&["operations", "v1", "plans"], &filter).await?;
        let text = planned(&client, &plan, &filter).await;
        if options.plan {
            return Ok(Report::new(plan, text));
        }
        say(&text);
        if let Some(ask) = ask
            && !ask(&format!("Replay {}?", counted(&plan)))
        {
            return Ok(not_begun());
        }
        expected = plan["count"].as_u64().filter(|_| plan["at_least"] != true);
    }
    let begun = match options.resume.map(|id| id.to_string()) {
        Some(id) => begin(&client, &["operations", "v1", "jobs", &id, "resume"], &json!({}), listen).await?,
        None => begin(&client, &["operations", "v1", "jobs"], &filter, listen).await?,
    };
    follow_or_detach(&client, begun, options.start.detach, options.every, expected).await
}

/// A sample with a line for each, which needs the role `read`. A caller without it sees only names.
async fn planned(client: &Client<'_>, plan: &Value, filter: &Value) -> String {
    let mut sample = vec![];
    for name in plan["sample"].as_array().into_iter().flatten().take(SAMPLE) {
        let path = ["operations", "v1", "notifications", name.as_str().unwrap_or_default()];
        sample.push(client.get(&path, &[]).await.unwrap_or_else(|_| json!({ "ref": name })));
    }
    let states = filter["states"].as_array().into_iter().flatten().map(shown::text).collect::<Vec<_>>().join(", ");
    let about = fields([
        ("would replay", counted(plan)),
        ("in the states", if states.is_empty() { "all".to_owned() } else { states }),
        ("it would take", format!("{} s", plan["seconds"])),
    ]);
    if sample.is_empty() { about } else { format!("{about}\nThe first of them:\n{}", shown::list(&sample)) }
}
