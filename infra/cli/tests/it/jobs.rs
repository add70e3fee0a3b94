//! Jobs: what a replay of many takes and asks before it starts, and how the terminal shows a job
//! and the results of its notifications.

use crate::fakes::{Asked, Server};
use crate::operations::run;
use aws_config::SdkConfig;
use clap::Parser;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::watch;
use visma_webhooks::commands::operations::{Caller, replay};
use visma_webhooks::terminal::Ask;
use visma_webhooks::{Arguments, Command, Exit, Report, Stack};

const FILTER: &str = "replay --tenant t-1 --from 6h --every 0s";
const JOB: &str = "0199a3c4-5b6d-7e8f-9012-3456789abcde";

fn answers(asked: &Asked) -> (u16, Value) {
    let item = json!({ "ref": "abc", "event": "CUSTOMER_UPDATED", "key": "C1013", "state": "dead",
        "received_at": "2026-11-23T12:00:00Z" });
    match asked.line.split('?').next().unwrap() {
        "POST /operations/v1/plans" => {
            (200, json!({ "count": 42, "at_least": false, "seconds": 5, "sample": ["abc", "x"] }))
        }
        "GET /operations/v1/notifications/abc" => (200, item),
        "POST /operations/v1/jobs" => (202, json!({ "id": "7", "status": "finished", "done": 42, "skipped": 0 })),
        _ => (404, json!({ "code": "unknown_notification" })),
    }
}

async fn asked_by(server: &Server, command: &str, ask: Ask) -> Report {
    let words = ["visma-webhooks"].into_iter().chain(command.split(' ')).chain(["--api", &server.url]);
    let Command::Replay(options) = Arguments::try_parse_from(words).unwrap().command else { panic!("{command}") };
    let stack = Stack::new(SdkConfig::builder().build(), None, BTreeMap::new());
    let (_stop, listening) = watch::channel(false);
    replay(&stack, &Caller::Token("tok".into()), options, ask, || listening).await.unwrap()
}

fn lines(server: &Server, method: &str) -> Vec<String> {
    server.asked().into_iter().map(|asked| asked.line).filter(|line| line.starts_with(method)).collect()
}

#[tokio::test]
async fn a_no_at_the_terminal_starts_nothing() {
    let server = Server::start(answers).await;
    let report = asked_by(&server, FILTER, Some(|_| false)).await;
    assert_eq!((report.exit, report.json), (Exit::Refused, json!({ "begun": false })));
    assert_eq!(lines(&server, "POST"), ["POST /operations/v1/plans"]);
}

#[tokio::test]
async fn a_yes_or_its_option_starts_the_job() {
    let server = Server::start(answers).await;
    assert_eq!(asked_by(&server, FILTER, Some(|question| question == "Replay 42?")).await.exit, Exit::Ok);
    assert_eq!(lines(&server, "POST"), ["POST /operations/v1/plans", "POST /operations/v1/jobs"]);
    let server = Server::start(answers).await;
    asked_by(&server, &format!("{FILTER} --yes"), Some(|_| false)).await;
    assert_eq!(lines(&server, "POST"), ["POST /operations/v1/jobs"]);
}

#[tokio::test]
async fn replays_failed_notifications_unless_states_are_named() {
    let server = Server::start(answers).await;
    for options in ["", " --state processed", " --all-states"] {
        run(&server, &format!("{FILTER}{options}")).await.unwrap();
    }
    let states: Vec<Value> =
        server.asked().iter().map(|asked| asked.body.parse::<Value>().unwrap()["states"].clone()).collect();
    assert_eq!(states, [json!(["dead", "parked", "unparseable"]), json!(["processed"]), json!([])]);
}

#[tokio::test]
async fn one_job_replays_what_failed_of_all_tenants() {
    let server = Server::start(answers).await;
    let report = run(&server, "replay --all-tenants --from 1h --every 0s").await.unwrap();
    assert_eq!(report.exit, Exit::Ok);
    let sent: Value = server.asked().pop().unwrap().body.parse().unwrap();
    assert_eq!((sent.get("tenant"), &sent["states"]), (None, &json!(["dead", "parked", "unparseable"])));
    let both = "visma-webhooks replay --all-tenants --tenant t-1 --from 1h";
    assert!(Arguments::try_parse_from(both.split(' ')).is_err(), "one or all");
}

#[tokio::test]
async fn a_plan_shows_a_line_for_each_of_its_first_notifications() {
    let server = Server::start(answers).await;
    let report = run(&server, &format!("{FILTER} --plan")).await.unwrap();
    let sample: Vec<&str> = report.text.lines().rev().take(2).collect();
    assert!(sample[1].contains("CUSTOMER_UPDATED  C1013") && sample[1].ends_with("abc"), "{}", report.text);
    assert!(sample[0].trim() == "x", "one that cannot be read has its name: {}", report.text);
    assert!(report.text.contains("dead, parked, unparseable"), "{}", report.text);
}

fn finished(failed: u32, under_way: u32, is_whole: bool) -> (u16, Value) {
    let outcomes = json!({ "succeeded": 9, "failed": failed, "under_way": under_way, "is_whole": is_whole });
    (200, json!({ "id": JOB, "kind": "replay", "status": "finished", "done": 12, "skipped": 0, "outcomes": outcomes }))
}

/// Counting takes two answers, and one notification ends only with the third.
fn slowly(asked: &Asked) -> (u16, Value) {
    static LOOKS: AtomicU32 = AtomicU32::new(0);
    if asked.line.starts_with("POST") {
        return (202, json!({ "id": JOB, "kind": "replay", "status": "running", "done": 0, "skipped": 0 }));
    }
    match LOOKS.fetch_add(1, Ordering::Relaxed) {
        0 => finished(0, 0, false),
        1 => finished(2, 1, true),
        _ => finished(3, 0, true),
    }
}

#[tokio::test]
async fn watches_a_replay_to_its_end_and_fails_if_notifications_failed_again() {
    let server = Server::start(slowly).await;
    let report = run(&server, "replay --tenant t-1 --from 24h --every 0s").await.unwrap();
    assert_eq!((report.exit, &report.json["outcomes"]["failed"]), (Exit::Failed, &json!(3)));
    for part in ["finished, 3 failed again\n", "succeeded     9\n", "failed again  3\n", "jobs failed 0199a3c4"] {
        assert!(report.text.contains(part), "{part}: {}", report.text);
    }
}

#[tokio::test]
async fn stops_watching_a_replay_with_notifications_still_under_way() {
    let server = Server::start(|asked| match asked.line.starts_with("POST") {
        true => (202, json!({ "id": JOB, "status": "running", "done": 0, "skipped": 0 })),
        false => finished(0, 4, true),
    })
    .await;
    let report = run(&server, "replay --tenant t-1 --from 24h --every 0s").await.unwrap();
    assert_eq!(report.exit, Exit::Ok);
    assert!(report.text.contains("finished, 4 under way\n"), "{}", report.text);
}

#[tokio::test]
async fn shows_a_job_with_its_results_and_fails_if_notifications_failed_again() {
    let server = Server::start(|_| finished(60, 0, true)).await;
    let report = run(&server, &format!("jobs get {JOB}")).await.unwrap();
    assert_eq!(report.exit, Exit::Failed);
    assert!(report.text.contains("finished, 60 failed again\n"), "{}", report.text);
    let server = Server::start(|_| finished(0, 0, true)).await;
    let report = run(&server, &format!("jobs get {JOB}")).await.unwrap();
    assert_eq!(report.exit, Exit::Ok);
}

#[tokio::test]
async fn tells_how_to_watch_a_detached_job_without_resuming_or_stopping_it() {
    let server = Server::start(slowly).await;
    let report = run(&server, "replay --tenant t-1 --from 24h --detach").await.unwrap();
    let watch = format!("\nWatch it: visma-webhooks jobs get {JOB} --watch\n");
    assert!(report.exit == Exit::Ok && report.text.ends_with(&watch), "{}", report.text);
}

#[tokio::test]
async fn a_stop_before_the_answer_cancels_the_job_even_if_it_is_detached() {
    let server = Server::start(slowly).await;
    let words = "visma-webhooks replay --all-tenants --from 24h --detach --api";
    let words = words.split(' ').chain([server.url.as_str()]);
    let Command::Replay(options) = Arguments::try_parse_from(words).unwrap().command else { panic!("no replay") };
    let stack = Stack::new(SdkConfig::builder().build(), None, BTreeMap::new());
    let (_stop, stopped) = watch::channel(true);
    let listen = || {
        assert!(lines(&server, "POST").is_empty(), "Ctrl-C would end the program without a word");
        stopped
    };
    let report = replay(&stack, &Caller::Token("tok".into()), options, None, listen).await.unwrap();
    assert_eq!(report.exit, Exit::Interrupted);
    let cancel = format!("POST /operations/v1/jobs/{JOB}/cancel");
    assert_eq!(lines(&server, "POST"), ["POST /operations/v1/jobs", cancel.as_str()]);
}

#[tokio::test]
async fn after_a_cancelled_erasure_another_one_is_begun() {
    let job = |_: &Asked| (200_u16, json!({ "id": JOB, "kind": "erase", "status": "cancelled", "done": 3 }));
    let report = run(&Server::start(job).await, &format!("jobs cancel {JOB}")).await.unwrap();
    assert!(report.text.contains("Begin another one: visma-webhooks erase"), "{}", report.text);
    assert!(!report.text.contains("--resume"), "{}", report.text);
}

#[tokio::test]
async fn lists_the_failed_notifications_of_a_job() {
    let server = Server::start(|_| (200, json!({ "items": [{ "ref": "abc", "key": "1920" }] }))).await;
    let report = run(&server, &format!("jobs failed {JOB}")).await.unwrap();
    assert_eq!(report.json, json!([{ "ref": "abc", "key": "1920" }]));
    assert_eq!(server.asked()[0].line, format!("GET /operations/v1/jobs/{JOB}/failed?limit=100"));
}

fn parked(asked: &Asked) -> (u16, Value) {
    let causes = json!([{ "reason": "gave_up", "cause": "status\u{1b} 503", "count": 2 }]);
    match asked.line.as_str() {
        "GET /operations/v1/tenants" => (200, json!({ "items": [{ "id": "t-1" }] })),
        "POST /operations/v1/feedback/plans" => {
            (200, json!({ "count": 2, "at_least": false, "seconds": 1, "sample": ["abc"], "causes": causes }))
        }
        "POST /operations/v1/feedback/resends" => {
            (202, json!({ "id": JOB, "kind": "resend", "status": "running", "done": 0, "skipped": 0 }))
        }
        _ => finished(0, 0, true),
    }
}

#[tokio::test]
async fn a_plan_of_a_resend_lists_the_causes_and_starts_nothing() {
    let server = Server::start(parked).await;
    let report = run(&server, "feedback resend --tenant t-1 --reason gave_up --from 6h --plan").await.unwrap();
    for part in ["would send     2\n", "2      gave_up  status  503"] {
        assert!(report.text.contains(part), "{part}: {}", report.text);
    }
    let asked = server.asked();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((asked.len(), &body["tenant"], &body["reason"]), (1, &json!("t-1"), &json!("gave_up")));
    assert!(body["from"].is_string() && body.get("to").is_none() && body.get("cause").is_none(), "{body}");
}

#[tokio::test]
async fn resends_parked_feedback_of_all_tenants_and_watches_the_job() {
    let server = Server::start(parked).await;
    let report = run(&server, "feedback resend --all-tenants --cause 503").await.unwrap();
    assert_eq!((report.exit, &report.json["done"]), (Exit::Ok, &json!(12)));
    let body: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    assert_eq!(body, json!({ "cause": "503", "note": "" }));
}

#[test]
fn a_resend_of_feedback_needs_a_tenant() {
    let parse = |text: &str| Arguments::try_parse_from(text.split(' ')).is_ok();
    assert!(parse("visma-webhooks feedback resend --all-tenants"));
    assert!(!parse("visma-webhooks feedback resend"));
    assert!(!parse("visma-webhooks feedback resend --all-tenants --tenant t-1"));
}
