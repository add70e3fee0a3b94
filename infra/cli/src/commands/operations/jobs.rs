//! `jobs` and `erase`: start and watch jobs that run in AWS.

use super::begin::{Begun, begin};
use super::client::{Items, items};
use super::options::{View, Watch};
use super::shown::{self, second, text};
use super::{Access, Caller, Client, waits};
use crate::candidates;
use crate::error::{Exit, Failure};
use crate::output::{Format, Outcome, Report, fields, table};
use crate::stack::Stack;
use crate::terminal::{Ask, Progress, Stop, requested, say};
use crate::text::duration;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

/// How many answers in a row may be missing while a job is watched.
const PATIENCE: u32 = 10;
/// How often a finished job is checked while some of its notifications are under way. A watch without
/// an end says as often why they wait.
const LAST_LOOKS: u32 = 30;

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// Show the newest 50 jobs
    #[command(after_help = "Examples:
  visma-webhooks jobs list --watch
  visma-webhooks --local jobs list")]
    List(View),
    /// Show one job and its progress
    ///
    /// With --watch it ends when the job has ended and each of its notifications has a result. The
    /// exit code is 1 if some failed again or the job was cancelled. Ctrl-C ends only the watch.
    #[command(after_help = "Examples:
  visma-webhooks jobs get 0199a3c4-5b6d-7e8f-9012-3456789abcde --watch
  visma-webhooks jobs get 0199a3c4-5b6d-7e8f-9012-3456789abcde --watch --timeout 30m")]
    Get(One),
    /// Show the results of a replay or a resend: what was put back and what failed again
    #[command(after_help = "Example:
  visma-webhooks jobs failed 0199a3c4-5b6d-7e8f-9012-3456789abcde")]
    Failed(Failed),
    /// Stop a job before its next slice
    #[command(after_help = "Example:
  visma-webhooks jobs cancel 0199a3c4-5b6d-7e8f-9012-3456789abcde")]
    Cancel(Id),
    /// Continue a job that was stopped, and watch it
    #[command(after_help = "Example:
  visma-webhooks jobs resume 0199a3c4-5b6d-7e8f-9012-3456789abcde")]
    Resume(Id),
}

#[derive(Debug, Args)]
pub struct One {
    /// The job's id, from jobs list
    #[arg(value_name = "JOB")]
    id: Uuid,
    #[command(flatten)]
    watch: Watch,
    /// How long to watch at most: 90s, 30m, 24h or 7d. Then the exit code is 5; the job continues
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "watch")]
    timeout: Option<Duration>,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Failed {
    /// The job's id, from jobs list
    #[arg(value_name = "JOB")]
    id: Uuid,
    /// The most to show
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    limit: usize,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Id {
    /// The job's id, from jobs list
    #[arg(value_name = "JOB")]
    id: Uuid,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Erase {
    /// The tenant to erase; pause it as a whole first, and leave it in the settings until the end
    #[arg(long, value_name = "ID", add = candidates::tenant_id())]
    tenant: String,
    /// The same id again
    #[arg(long, value_name = "ID", required_unless_present = "plan")]
    confirm: Option<String>,
    /// Only show how much would be deleted
    #[arg(long)]
    plan: bool,
    /// How many per second; 10 by default
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// The reason, for readers of the audit record
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses, has no such job, or does not answer.
pub async fn jobs(
    stack: &Stack,
    caller: &Caller,
    command: Jobs,
    format: Format,
    listen: impl FnOnce() -> Stop,
) -> Outcome {
    match command {
        Jobs::List(View { watch, access }) => {
            let client = Client::new(stack, caller, &access).await?;
            watch.show(format, async || list(client.get(&["operations", "v1", "jobs"], &[]).await?)).await
        }
        Jobs::Get(options) => get(&Client::new(stack, caller, &options.access).await?, &options, format).await,
        Jobs::Failed(Failed { id, limit, access }) => {
            let (client, id) = (Client::new(stack, caller, &access).await?, id.to_string());
            let path = ["operations", "v1", "jobs", id.as_str(), "failed"];
            let Items { found, is_cut, .. } = client.pages(&path, &[], limit).await?;
            let text = shown::list(&found);
            Ok(Report::new(found, text).limited(is_cut))
        }
        Jobs::Cancel(Id { id, access }) => {
            let client = Client::new(stack, caller, &access).await?;
            let id = id.to_string();
            let job = client.post(&["operations", "v1", "jobs", &id, "cancel"], &json!({})).await?;
            let text = format!("{}\n{}", about(&job), go_on(&job));
            Ok(Report::new(job, text))
        }
        Jobs::Resume(Id { id, access }) => {
            let client = Client::new(stack, caller, &access).await?;
            let id = id.to_string();
            let path = ["operations", "v1", "jobs", &id, "resume"];
            follow(&client, begin(&client, &path, &json!({}), listen).await?, Duration::SECOND, None).await
        }
    }
}

/// On standard error it says why a watched job does not end: its result in JSON stays the same.
async fn get(client: &Client<'_>, options: &One, format: Format) -> Outcome {
    let (id, is_watched) = (options.id.to_string(), options.watch.is_on());
    let (mut looks, mut said) = (0_u32, None);
    let look = async || {
        let job = client.get(&["operations", "v1", "jobs", &id], &[]).await?;
        if !is_watched {
            return Ok::<_, Failure>(told(job));
        }
        let has_ended = has_ended(&job);
        looks += u32::from(has_ended && !is_settled(&job));
        let why = match has_ended {
            false => waits::advice_for(&job),
            true if looks.is_multiple_of(LAST_LOOKS) && looks > 0 => waits::of_all_tenants(client).await,
            true => None,
        };
        if let Some(why) = why.filter(|why| said.as_ref() != Some(why)) {
            say(&why);
            said = Some(why);
        }
        Ok(if has_ended { ended(job) } else { told(job) })
    };
    options.watch.show_until(format, options.timeout, |job| has_ended(job) && is_settled(job), look).await
}

fn list(mut all: Value) -> Outcome {
    let items = items(&mut all)?;
    let rows = items.iter().map(|job| {
        let [kind, done, skipped] = ["kind", "done", "skipped"].map(|name| text(&job[name]));
        let status = status(job);
        let [by, note, id] = ["by", "note", "id"].map(|name| text(&job[name]));
        [second(&text(&job["created_at"])), kind, status, done, skipped, by, note, id]
    });
    let text = table(["created (utc)", "kind", "status", "done", "passed over", "by", "note", "job"], rows);
    Ok(Report::new(items, text))
}

/// # Errors
/// The API refuses or does not answer.
pub async fn erase(stack: &Stack, caller: &Caller, options: Erase, ask: Ask, listen: impl FnOnce() -> Stop) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    // A plan deletes nothing, so it needs no confirmation.
    let confirm = options.confirm.as_ref().unwrap_or(&options.tenant);
    let mut body = json!({ "tenant": options.tenant, "confirm": confirm, "note": options.note });
    if let Some(rate) = options.rate {
        body["rate"] = json!(rate);
    }
    if options.plan {
        let plan = client.post(&["operations", "erasures", "plans"], &body).await?;
        let text =
            fields([("would delete", text(&plan["count"])), ("it would take", format!("{} s", plan["seconds"]))]);
        return Ok(Report::new(plan, text));
    }
    if let Some(ask) = ask
        && !ask(&format!("Delete all that is kept of {}, for good?", options.tenant))
    {
        return Ok(Report::new(json!({ "begun": false }), "Nothing was started.").with_exit(Exit::Refused));
    }
    let begun = begin(&client, &["operations", "erasures"], &body, listen).await?;
    follow(&client, begun, Duration::SECOND, None).await
}

/// The number of a plan, which may have stopped counting.
pub(super) fn counted(plan: &Value) -> String {
    let least = if plan["at_least"] == true { "at least " } else { "" };
    format!("{least}{}", plan["count"])
}

/// The answer to a person who did not agree to the plan.
pub(super) fn not_begun() -> Report {
    Report::new(json!({ "begun": false }), "Nothing was started.").with_exit(Exit::Refused)
}

/// Follows a job, or tells how to do so later.
pub(super) async fn follow_or_detach(
    client: &Client<'_>,
    begun: Begun,
    detach: bool,
    every: Duration,
    expected: Option<u64>,
) -> Outcome {
    let is_stopped = *begun.stop.borrow();
    if detach && !is_stopped {
        let job = begun.job;
        let told = format!("{}Watch it: visma-webhooks jobs get {} --watch\n", about(&job), text(&job["id"]));
        return Ok(Report::new(job, told));
    }
    follow(client, begun, every, expected).await
}

/// Watches a job until it ends. `expected` is its number of notifications, if the plan said it; most
/// jobs say it themselves.
async fn follow(client: &Client<'_>, begun: Begun, every: Duration, expected: Option<u64>) -> Outcome {
    let Begun { mut job, stop } = begun;
    let id = text(&job["id"]);
    let number = |job: &Value, name: &str| job[name].as_u64();
    let (mut shown, mut missed, mut looks) = (Progress::of(number(&job, "expected").or(expected)), 0, 0);
    loop {
        let through: u64 = ["done", "skipped"].into_iter().filter_map(|name| number(&job, name)).sum();
        shown.tell(through, &progress(&job));
        if has_ended(&job) {
            if is_settled(&job) {
                return Ok(ended(job));
            }
            if looks == LAST_LOOKS {
                let why = waits::of_all_tenants(client).await;
                return Ok(ended_before(job, why));
            }
            looks += 1;
        }
        let look = async {
            tokio::time::sleep(every.unsigned_abs()).await;
            client.get(&["operations", "v1", "jobs", &id], &[]).await
        };
        let looked = tokio::select! {
            biased;
            () = requested(&stop) => {
                let cancelled = client.post(&["operations", "v1", "jobs", &id, "cancel"], &json!({})).await;
                return stopped(cancelled, &job);
            }
            looked = look => looked,
        };
        match looked {
            Ok(fresh) => (job, missed) = (fresh, 0),
            Err(failure) if failure.exit == Exit::Unavailable && missed < PATIENCE => missed += 1,
            // The role read may be missing, or the token has ended. A script must not take the job for
            // finished.
            Err(failure) => {
                let watch = format!("visma-webhooks jobs get {id} --watch (role read)");
                let advice = format!("{} The job continues. Watch it: {watch}", failure.advice);
                return Err(Failure { advice, ..failure });
            }
        }
    }
}

fn has_ended(job: &Value) -> bool {
    job["status"] != "running"
}

/// Whether every notification of the job has a result. Some kinds of jobs report none.
fn is_settled(job: &Value) -> bool {
    let outcomes = &job["outcomes"];
    outcomes.is_null() || (outcomes["is_whole"] == true && outcomes["under_way"] == 0)
}

fn failed_again(job: &Value) -> u64 {
    job["outcomes"]["failed"].as_u64().unwrap_or_default()
}

/// Fails if notifications of the job failed again.
fn told(job: Value) -> Report {
    let (mut said, failed) = (about(&job), failed_again(&job));
    if failed > 0 {
        said.push_str(&format!("\nWhat failed again: visma-webhooks jobs failed {}\n", text(&job["id"])));
    }
    if let Some(advice) = waits::advice_for(&job) {
        said.push_str(&format!("\n{advice}\n"));
    }
    Report::new(job, said).with_exit(if failed > 0 { Exit::Failed } else { Exit::Ok })
}

fn ended(job: Value) -> Report {
    let cancelled = (job["status"] != "finished").then(|| format!("\nIt was cancelled. {}\n", go_on(&job)));
    let mut report = told(job);
    match cancelled {
        Some(cancelled) => {
            report.text.push_str(&cancelled);
            report.with_exit(Exit::Failed)
        }
        None => report,
    }
}

/// The job has ended before its last notifications.
fn ended_before(job: Value, why: Option<String>) -> Report {
    let later = format!("\nWhat is under way, later: visma-webhooks jobs get {} --watch\n", text(&job["id"]));
    let mut report = ended(job);
    report.text.push_str(&later);
    report.text.extend(why.map(|why| format!("{why}\n")));
    report
}

/// A job may finish while it is being cancelled.
fn stopped(cancelled: Result<Value, Failure>, job: &Value) -> Outcome {
    match cancelled {
        Ok(job) => {
            let text = format!("{}\nStopped. {}\n", about(&job), go_on(&job));
            Ok(Report::new(job, text).with_exit(Exit::Interrupted))
        }
        Err(failure) if failure.what.contains("has_ended") => {
            let text = format!("{}\nIt had finished before it could be stopped.\n", about(job));
            Ok(Report::new(job, text).with_exit(Exit::Interrupted))
        }
        Err(failure) => {
            let what = format!("the job could not be stopped and continues: {failure}");
            Err(Failure { what, ..failure })
        }
    }
}

fn go_on(job: &Value) -> String {
    match job["kind"].as_str() {
        Some("erase") => "A cancelled erasure cannot continue. Begin another one: visma-webhooks erase".to_owned(),
        _ => format!("To continue: visma-webhooks replay --resume {}", text(&job["id"])),
    }
}

fn progress(job: &Value) -> String {
    let reached = job["reached"].as_str().map(|at| format!(", up to {at}")).unwrap_or_default();
    let of = job["expected"].as_u64().map(|count| format!(" of {count}")).unwrap_or_default();
    let (done, skipped) = (&job["done"], &job["skipped"]);
    let still = waits::still_since(job).map(|since| format!(", still since {since}")).unwrap_or_default();
    format!("{}: {done}{of} {}, {skipped} passed over{reached}{still}", status(job), deed(job))
}

/// The job's state, and the results of its notifications.
fn status(job: &Value) -> String {
    let (own, outcomes) = (text(&job["status"]), &job["outcomes"]);
    match (failed_again(job), outcomes["under_way"].as_u64().unwrap_or_default()) {
        (0, 0) if outcomes["is_whole"] == false => format!("{own}, counting"),
        (0, 0) => own,
        (0, under_way) => format!("{own}, {under_way} under way"),
        (failed, _) => format!("{own}, {failed} failed again"),
    }
}

/// What a job of this kind does to each notification.
fn deed(job: &Value) -> &'static str {
    match job["kind"].as_str() {
        Some("redrive" | "resend") => "sent again",
        Some("release") => "released",
        Some("erase") => "deleted",
        _ => "replayed",
    }
}

fn about(job: &Value) -> String {
    fields([
        ("job", text(&job["id"])),
        ("kind", text(&job["kind"])),
        ("status", status(job)),
        (deed(job), text(&job["done"])),
        ("passed over", text(&job["skipped"])),
        ("succeeded", text(&job["outcomes"]["succeeded"])),
        ("failed again", text(&job["outcomes"]["failed"])),
        ("under way", text(&job["outcomes"]["under_way"])),
        ("unknown", text(&job["outcomes"]["left_out"])),
    ])
}
