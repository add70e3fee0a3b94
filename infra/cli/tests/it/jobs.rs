//! How the terminal shows a job and the results of its notifications.

use crate::operations::run;
use crate::server::{Asked, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use visma_webhooks::Exit;

const JOB: &str = "0199a3c4-5b6d-7e8f-9012-3456789abcde";

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
    use clap::Parser;
    let parse = |text: &str| visma_webhooks::Arguments::try_parse_from(text.split(' ')).is_ok();
    assert!(parse("visma-webhooks feedback resend --all-tenants"));
    assert!(!parse("visma-webhooks feedback resend"));
    assert!(!parse("visma-webhooks feedback resend --all-tenants --tenant t-1"));
}
