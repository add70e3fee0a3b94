//! `replay`: one notification, or a job for all that a filter finds, watched until it ends.

use super::shown::text;
use super::{Access, Caller, Client};
use crate::error::{Exit, Failure};
use crate::interrupt::{Stop, requested};
use crate::output::{Outcome, Report, fields};
use crate::stack::Stack;
use crate::text::{Since, duration, exact, since};
use clap::Args;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use webhooks_host::{Host, SystemHost};

/// Answers that may be missing in a row while a job is watched.
const PATIENCE: u32 = 10;

#[derive(Debug, Args)]
pub struct Replay {
    /// The notification's `ref`; without it, the filter decides
    #[arg(value_name = "REF", conflicts_with_all = ["plan", "tenant", "from", "to", "states", "entity", "event", "rate", "resume"])]
    reference: Option<String>,
    /// Only say what would be replayed
    #[arg(long)]
    plan: bool,
    /// Whose; required for a filter
    #[arg(long, value_name = "ID", required_unless_present_any = ["reference", "resume"])]
    tenant: Option<String>,
    /// Received since then: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 24h
    #[arg(long, value_name = "WHEN", required_unless_present_any = ["reference", "resume"], value_parser = since)]
    from: Option<Since>,
    /// Received before then; now unless told
    #[arg(long, value_name = "WHEN", value_parser = since)]
    to: Option<Since>,
    /// In this state, such as dead or parked; may be repeated
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// Of this entity, such as sales_order
    #[arg(long)]
    entity: Option<String>,
    /// Of this event, such as ACCOUNT_CHANGED
    #[arg(long)]
    event: Option<String>,
    /// How many a second, 10 unless told
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// Why, for whoever reads the timeline
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Go on with a job that was stopped, or watch one that runs
    #[arg(long, value_name = "JOB", conflicts_with_all = ["plan", "tenant", "from", "to", "states", "entity", "event", "rate"])]
    resume: Option<Uuid>,
    /// Begin the job and do not wait for its end
    #[arg(long, conflicts_with_all = ["plan", "reference"])]
    detach: bool,
    /// How often to ask how far it has come
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
            "tenant": self.tenant, "from": at(self.from), "to": at(self.to), "states": self.states, "note": self.note,
        });
        for (name, value) in [("entity", &self.entity), ("event", &self.event)] {
            if let Some(value) = value {
                filter[name] = json!(value);
            }
        }
        if let Some(rate) = self.rate {
            filter["rate"] = json!(rate);
        }
        filter
    }
}

/// `listen` is called where there is something to stop: a job, which is then cancelled before its next slice.
///
/// # Errors
/// The API refuses, does not know the notification or the job, or does not answer.
pub async fn replay(stack: &Stack, caller: &Caller, options: Replay, listen: impl FnOnce() -> Stop) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    if let Some(name) = &options.reference {
        let path = ["operations", "v1", "notifications", name, "replay"];
        client.post(&path, &json!({ "note": options.note })).await?;
        let told = "It is on its way; get shows what becomes of it.";
        return Ok(Report::new(json!({ "ref": name, "replayed": true }), told));
    }
    if options.plan {
        let plan = client.post(&["operations", "v1", "plans"], &options.filter()).await?;
        let text = planned(&plan);
        return Ok(Report::new(plan, text));
    }
    let job = match options.resume {
        Some(id) => client.post(&["operations", "v1", "jobs", &id.to_string(), "resume"], &json!({})).await?,
        None => client.post(&["operations", "v1", "jobs"], &options.filter()).await?,
    };
    if options.detach {
        let told = format!("{}Watch it: {}\n", about(&job), go_on(&job));
        return Ok(Report::new(job, told));
    }
    follow(&client, job, options.every, &listen()).await
}

async fn follow(client: &Client<'_>, mut job: Value, every: Duration, stop: &Stop) -> Outcome {
    let id = text(&job["id"]);
    let (mut told, mut missed) = (String::new(), 0);
    loop {
        let now = progress(&job);
        if now != told {
            eprintln!("{now}");
            told = now;
        }
        if job["status"] != "running" {
            return Ok(ended(job));
        }
        tokio::select! {
            biased;
            () = requested(stop) => {
                let cancelled = client.post(&["operations", "v1", "jobs", &id, "cancel"], &json!({})).await;
                return stopped(cancelled, &job);
            }
            () = tokio::time::sleep(every.unsigned_abs()) => {}
        }
        match client.get(&["operations", "v1", "jobs", &id], &[]).await {
            Ok(fresh) => (job, missed) = (fresh, 0),
            Err(failure) if failure.exit == Exit::Unavailable && missed < PATIENCE => missed += 1,
            // To watch needs the role read, which whoever may replay need not have.
            Err(failure) if failure.exit == Exit::Refused => {
                eprintln!("{failure}: the job goes on, but is not shown. {}", failure.advice);
                let text = about(&job);
                return Ok(Report::new(job, text));
            }
            Err(failure) => {
                let advice = format!("The job goes on. Watch it: {}", go_on(&job));
                return Err(Failure { advice, ..failure });
            }
        }
    }
}

fn ended(job: Value) -> Report {
    let finished = job["status"] == "finished";
    let mut text = about(&job);
    if !finished {
        text.push_str(&format!("\nSomebody has cancelled it. To go on: {}\n", go_on(&job)));
    }
    Report::new(job, text).with_exit(if finished { Exit::Ok } else { Exit::Failed })
}

/// A job may finish while it is being cancelled.
fn stopped(cancelled: Result<Value, Failure>, job: &Value) -> Outcome {
    match cancelled {
        Ok(job) => {
            let text = format!("{}\nStopped. To go on: {}\n", about(&job), go_on(&job));
            Ok(Report::new(job, text).with_exit(Exit::Interrupted))
        }
        Err(failure) if failure.what.contains("has_ended") => {
            let text = format!("{}\nIt had finished before it could be stopped.\n", about(job));
            Ok(Report::new(job, text).with_exit(Exit::Interrupted))
        }
        Err(failure) => {
            let what = format!("the job could not be stopped and goes on: {failure}");
            Err(Failure { what, ..failure })
        }
    }
}

fn go_on(job: &Value) -> String {
    format!("visma-webhooks replay --resume {}", text(&job["id"]))
}

fn progress(job: &Value) -> String {
    let reached = job["reached"].as_str().map(|at| format!(", up to {at}")).unwrap_or_default();
    let of = job["expected"].as_u64().map(|count| format!(" of {count}")).unwrap_or_default();
    format!("{}: {}{of} replayed, {} passed over{reached}", text(&job["status"]), job["done"], job["skipped"])
}

fn about(job: &Value) -> String {
    fields([
        ("job", text(&job["id"])),
        ("status", text(&job["status"])),
        ("replayed", text(&job["done"])),
        ("passed over", text(&job["skipped"])),
    ])
}

fn planned(plan: &Value) -> String {
    let least = if plan["at_least"] == true { "at least " } else { "" };
    let sample = plan["sample"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let count = format!("{least}{}", plan["count"]);
    fields([
        ("would replay", count),
        ("it would take", format!("{} s", plan["seconds"])),
        ("the first", sample.join(" ")),
    ])
}
