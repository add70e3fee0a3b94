//! `--watch` and `tail`: what they show of each change, and when they end.

use crate::fakes::{Asked, Server};
use crate::program::{run_against, text};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const JOB: &str = "0199a3c4-5b6d-7e8f-9012-3456789abcde";

fn lines(stdout: &[u8]) -> Vec<Value> {
    text(stdout).lines().map(|line| line.parse().unwrap()).collect()
}

/// A job that runs, then has one notification under way, and then a result for each.
fn ending(_: &Asked) -> (u16, Value) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let ended = |failed: u32, under_way: u32| {
        let outcomes = json!({ "succeeded": 1, "failed": failed, "under_way": under_way, "is_whole": true });
        (200, json!({ "id": JOB, "status": "finished", "done": 2, "skipped": 0, "outcomes": outcomes }))
    };
    match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 => (200, json!({ "id": JOB, "status": "running", "done": 0, "skipped": 0 })),
        1 => ended(0, 1),
        _ => ended(1, 0),
    }
}

#[tokio::test]
async fn a_watched_job_ends_with_its_last_result_and_its_exit_code() {
    let server = Server::start(ending).await;
    let output = run_against(&server, &["jobs", "get", JOB, "--watch", "--every", "0s", "--timeout", "1h"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let shown = lines(&output.stdout);
    assert_eq!((shown.len(), &shown[2]["outcomes"]["failed"]), (3, &json!(1)));
}

#[tokio::test]
async fn a_watched_job_that_was_cancelled_is_no_success() {
    let server = Server::start(|_| (200, json!({ "id": JOB, "status": "cancelled", "done": 2, "skipped": 0 }))).await;
    let output = run_against(&server, &["jobs", "get", JOB, "--watch"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_watch_says_that_a_job_does_not_move_and_ends_at_its_timeout() {
    let server = Server::start(|_| {
        let at = "2020-11-23T12:00:00.5Z";
        (200, json!({ "id": JOB, "status": "running", "done": 0, "skipped": 0, "updated_at": at }))
    })
    .await;
    let mut output = run_against(&server, &["jobs", "get", JOB, "--watch", "--every", "0s", "--timeout", "1s"]).await;
    let mut end = "error: no end within 1 s\n";
    // On a machine that stalls, a second may end before the first look.
    if output.stdout.is_empty() {
        output = run_against(&server, &["jobs", "get", JOB, "--watch", "--every", "0s", "--timeout", "30s"]).await;
        end = "error: no end within 30 s\n";
    }
    assert_eq!((output.status.code(), lines(&output.stdout).len()), (Some(5), 1), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    for part in ["It has not moved since 2020-11-23T12:00:00Z.", "jobs resume 0199a3c4", end] {
        assert_eq!(told.matches(part).count(), 1, "{part}: {told}");
    }
}

/// A job with three notifications under way. They end once the program has asked what waits.
fn waiting(asked: &Asked) -> (u16, Value) {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    if asked.line == "GET /operations/v1/counts" {
        IS_TOLD.store(true, Ordering::SeqCst);
        return (200, json!({ "paused": 3, "rate_limited": 0 }));
    }
    let (succeeded, under_way) = if IS_TOLD.load(Ordering::SeqCst) { (4, 0) } else { (1, 3) };
    let outcomes = json!({ "succeeded": succeeded, "failed": 0, "under_way": under_way, "is_whole": true });
    (200, json!({ "id": JOB, "status": "finished", "done": 4, "skipped": 0, "outcomes": outcomes }))
}

#[tokio::test]
async fn a_watch_says_what_the_last_notifications_of_a_job_wait_for() {
    let server = Server::start(waiting).await;
    let output = run_against(&server, &["jobs", "get", JOB, "--watch", "--every", "0s", "--timeout", "1h"]).await;
    assert_eq!((output.status.code(), lines(&output.stdout).len()), (Some(0), 2), "{}", text(&output.stderr));
    let why = "Of all notifications there wait: 3 for the end of a pause (visma-webhooks pauses list).\n";
    assert!(text(&output.stderr).starts_with(why), "{}", text(&output.stderr));
}

/// One notification; then a page of which the filter leaves nothing, with another one behind it;
/// then a refusal.
fn behind_an_empty_page(asked: &Asked) -> (u16, Value) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    if asked.line == "GET /operations/v1/tenants" {
        return (200, json!({ "items": [{ "id": "t-1" }] }));
    }
    match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 => (200, json!({ "items": [{ "ref": "first" }] })),
        1 => (200, json!({ "items": [], "next": "2" })),
        2 if asked.line.ends_with("cursor=2") => (200, json!({ "items": [{ "ref": "behind" }] })),
        _ => (403, json!({ "code": "forbidden" })),
    }
}

#[tokio::test]
async fn tail_looks_behind_a_page_without_a_match() {
    let server = Server::start(behind_an_empty_page).await;
    let output = run_against(&server, &["tail", "--tenant", "t-1", "--state", "dead", "--every", "0s"]).await;
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert_eq!(lines(&output.stdout), [json!({ "ref": "first" }), json!({ "ref": "behind" })]);
}
