//! `replay` of many: only failed notifications by default, and only after a confirmation.

use crate::operations::run;
use crate::server::{Asked, Server};
use aws_config::SdkConfig;
use clap::Parser;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::watch;
use visma_webhooks::commands::operations::{Caller, replay};
use visma_webhooks::terminal::Ask;
use visma_webhooks::{Arguments, Command, Exit, Report, Stack};

const FILTER: &str = "replay --tenant t-1 --from 6h --every 0s";

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
