//! `get`, `tail` and `replay`, with a fake of the operations API.

use crate::fakes::{Answers, Asked, Server};
use aws_config::{Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use clap::Parser;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;
use visma_webhooks::commands::operations::{self, Caller};
use visma_webhooks::{Arguments, Command, Exit, Failure, Format, Report, Stack};
use webhooks_host::{Host, SystemHost};

fn answers(asked: &Asked) -> (u16, Value) {
    let item = json!({ "ref": "abc", "tenant": "t-1", "event": "ACCOUNT_CHANGED", "key": "1920", "state": "dead", "reason": "unavailable",
        "received_at": "2026-11-23T12:00:00Z", "feedback": { "state": "failed" },
        "timeline": [{ "at": "2026-11-23T12:00:00Z", "what": "received", "text": "by\u{1b}[2Jwebhook" }] });
    match asked.line.split(['?']).next().unwrap() {
        "GET /operations/v1/notifications/abc" => (200, item),
        "GET /operations/raw/notifications/abc" => (200, json!({ "text": "{\"number\": \"1920\"}" })),
        "GET /operations/v1/observed" => (200, json!({ "items": observed() })),
        "GET /operations/v1/overview" => (200, overview()),
        "GET /operations/v1/search" => (200, search(asked)),
        "GET /operations/v1/notifications" => (200, json!({ "items": [item] })),
        "POST /operations/v1/notifications/abc/replay" => (202, Value::Null),
        "POST /operations/v1/plans" => {
            (200, json!({ "count": 5000, "at_least": true, "seconds": 500, "sample": ["abc"] }))
        }
        "POST /operations/v1/jobs" => (202, job("running", 0)),
        "GET /operations/v1/jobs/7" => (200, job("finished", 12)),
        "POST /operations/v1/jobs/7/cancel" => (200, job("cancelled", 5)),
        "POST /operations/v1/jobs/0199a3c4-5b6d-7e8f-9012-3456789abcde/resume" => (202, job("running", 5)),
        "GET /operations/v1/notifications/closed" => {
            (403, json!({ "code": "forbidden", "detail": "Needs the role read." }))
        }
        "GET /operations/v1/notifications/odd" => (500, json!({ "code": "internal", "detail": "This is a bug." })),
        "GET /operations/v1/notifications/newer" => (409, json!({ "code": "newer_version" })),
        "GET /operations/v1/notifications/slow" => (500, json!({ "message": "Internal Server Error" })),
        _ => (404, json!({ "code": "unknown_notification", "detail": "No notification is recorded under this name." })),
    }
}

/// C1013 matches two, the second on the next page; `one` matches one.
fn search(asked: &Asked) -> Value {
    let page = |items: Value, to: &str, next: Option<&str>| json!({ "items": items, "searched_to": to, "from": "2026-08-25T12:01:00Z", "tenants": 3, "next": next });
    let item = |name: &str| json!({ "ref": name, "tenant": "t-2", "key": "C\u{1b}1013", "matched": "number" });
    match asked.line.split_once("?q=").map(|(_, query)| query).unwrap_or_default() {
        query if query.starts_with("C1013") && query.contains("cursor=2") => {
            page(json!([item("def")]), "2026-08-25T12:01:00Z", None)
        }
        query if query.starts_with("C1013") => page(json!([item("abc")]), "2026-11-12T00:00:00Z", Some("2")),
        query if query.starts_with("one") => page(json!([item("abc")]), "2026-08-25T12:01:00Z", None),
        _ => page(json!([]), "2026-08-25T12:01:00Z", None),
    }
}

fn job(status: &str, replayed: u32) -> Value {
    json!({ "id": "7", "status": status, "done": replayed, "skipped": 1 })
}

fn observed() -> Value {
    let at = "2026-11-23T12:00:00.5Z";
    json!([
        { "question": "event_names", "assumed": "A name of the catalogue.", "stands": "contradicted", "advice": "Name it in event_aliases.",
          "notifications": 42, "is_measured": true, "last_seen": at,
          "facts": [{ "subject": "header", "value": "Acct\u{1b}[2J", "agrees": false, "notifications": 2, "last_seen": at }] },
        { "question": "handshake", "assumed": "There is none.", "stands": "assumed", "notifications": 0, "is_measured": false, "facts": [] },
    ])
}

fn overview() -> Value {
    let numbers = |from: &str, received: u32, failed: u32| {
        json!({ "from": from, "to": from, "received": received, "processed": received - failed, "answered": received - failed,
            "failed": failed, "open": 0, "gaps": 1, "to_end": { "p50_ms": 230, "p95_ms": 1_279 }, "to_feedback": { "p50_ms": 640, "p95_ms": 4_095 } })
    };
    let hours = [numbers("2026-11-28T10:00:00Z", 8, 2), numbers("2026-11-28T11:00:00Z", 0, 0)];
    json!({ "counted_to": "2026-11-28T12:00:00.25Z", "by": "hour", "total": hours[0], "items": hours,
        "parked": [{ "reason": "unmapped", "count": 2 }], "entities": [{ "entity": "customer", "count": 8 }],
        "keys": [{ "entity": "customer", "key": "C\u{1b}[2J1013", "count": 7 }], "silent_tenants": 1,
        "waiting": { "rate_limited": 0, "retrying": 3, "paused": 0 } })
}

fn stack(aws: SdkConfig) -> Stack {
    Stack::new(aws, None, BTreeMap::new())
}

pub(crate) async fn run(server: &Server, command: &str) -> Result<Report, Failure> {
    run_as(server, command, &Caller::Token("tok".into()), SdkConfig::builder().build(), false).await
}

/// With `stopped`, Ctrl-C was pressed before the wait.
async fn run_as(
    server: &Server,
    command: &str,
    caller: &Caller,
    aws: SdkConfig,
    stopped: bool,
) -> Result<Report, Failure> {
    let words: Vec<&str> = command.split(' ').collect();
    run_words_as(server, &words, caller, aws, stopped).await
}

/// The same with words that may contain blanks.
pub(crate) async fn run_words(server: &Server, words: &[&str]) -> Result<Report, Failure> {
    run_words_as(server, words, &Caller::Token("tok".into()), SdkConfig::builder().build(), false).await
}

async fn run_words_as(
    server: &Server,
    words: &[&str],
    caller: &Caller,
    aws: SdkConfig,
    stopped: bool,
) -> Result<Report, Failure> {
    let all = ["visma-webhooks"].iter().chain(words).copied().chain(["--api", &server.url]);
    let arguments = Arguments::try_parse_from(all).unwrap_or_else(|error| panic!("{error}"));
    let (stack, (_stop, listening)) = (stack(aws), watch::channel(stopped));
    match arguments.command {
        Command::Get(options) => operations::get(&stack, caller, options).await,
        Command::Tail(options) => operations::tail(&stack, caller, options, Format::Json).await,
        Command::Replay(options) => operations::replay(&stack, caller, options, None, || listening).await,
        Command::More(command) => operations::more(&stack, caller, command, Format::Json, None, || listening).await,
        Command::Observed(options) => operations::observed(&stack, caller, options).await,
        Command::Stats(options) => operations::stats(&stack, caller, options).await,
        _ => panic!("{words:?}"),
    }
}

#[tokio::test]
async fn get_shows_the_timeline_with_the_token_and_no_control_characters() {
    let server = Server::start(answers).await;
    let report = run(&server, "get abc").await.unwrap();
    assert!(report.text.contains("reason    unavailable\n"), "{}", report.text);
    assert!(report.text.contains("received") && !report.text.contains('\u{1b}'), "{}", report.text);
    assert_eq!(server.asked()[0].headers["authorization"], "Bearer tok");
}

#[tokio::test]
async fn get_raw_shows_the_exact_text() {
    let server = Server::start(answers).await;
    assert_eq!(run(&server, "get abc --raw").await.unwrap().text, "{\"number\": \"1920\"}");
}

#[tokio::test]
async fn get_searches_for_other_texts_and_lists_the_matches() {
    let server = Server::start(answers).await;
    let report = run(&server, "get C1013 --from 2026-08-25T12:01:00Z --limit 2").await.unwrap();
    assert_eq!(report.json["items"].as_array().unwrap().len(), 2);
    for part in ["abc", "def", "t-2", "That is all. Searched back to 2026-08-25T12:01:00Z."] {
        assert!(report.text.contains(part), "{part} in {}", report.text);
    }
    assert!(!report.text.contains('\u{1b}'), "{}", report.text);
    let asked: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    let query = "GET /operations/v1/search?q=C1013&limit=50&from=2026-08-25T12%3A01%3A00Z";
    assert_eq!(asked[1..], [query.to_owned(), format!("{query}&cursor=2")]);
    let first = run(&server, "get C1013 --limit 1").await.unwrap();
    assert!(first.text.contains("reason    unavailable\n"), "one is enough, and is shown: {}", first.text);
}

#[tokio::test]
async fn get_shows_a_single_match_or_how_far_it_searched() {
    let server = Server::start(answers).await;
    assert!(run(&server, "get one").await.unwrap().text.contains("reason    unavailable\n"));
    assert_eq!(run(&server, "get one --raw").await.unwrap().text, "{\"number\": \"1920\"}");
    let nothing = run(&server, "get nothing").await.unwrap_err();
    assert_eq!((nothing.exit, nothing.what.as_str()), (Exit::NotFound, "nothing fits nothing"));
    assert_eq!(nothing.advice, "Searched back to 2026-08-25T12:01:00Z in 3 tenants.");
    assert_eq!(run(&server, "get C1013 --raw").await.unwrap_err().exit, Exit::Usage);
}

#[tokio::test]
async fn a_reference_cannot_change_the_path() {
    let server = Server::start(answers).await;
    assert_eq!(run(&server, "get ../jobs?x").await.unwrap_err().exit, Exit::NotFound);
    assert!(
        server.asked()[0].line.starts_with("GET /operations/v1/notifications/..%2Fjobs%3Fx"),
        "{:?}",
        server.asked()
    );
}

#[tokio::test]
async fn a_problem_gives_its_exit_code_and_its_own_advice() {
    let server = Server::start(answers).await;
    let closed = run(&server, "get closed").await.unwrap_err();
    assert_eq!((closed.exit, closed.advice.as_str()), (Exit::Refused, "Needs the role read."));
    assert_eq!(run(&server, "get unknown").await.unwrap_err().exit, Exit::NotFound);
    let odd = run(&server, "get odd").await.unwrap_err();
    assert_eq!((odd.exit, odd.advice.as_str()), (Exit::Failed, "This is a bug."), "the same command fails again");
    let newer = run(&server, "get newer").await.unwrap_err();
    assert_eq!(newer.exit, Exit::Refused, "the same command fails again");
    assert!(newer.advice.contains("newer version"), "{}", newer.advice);
    assert_eq!(run(&server, "get slow").await.unwrap_err().exit, Exit::Unavailable, "without a code it may pass");
}

#[tokio::test]
async fn tail_once_sends_its_filter() {
    let server = Server::start(answers).await;
    let report = run(&server, "tail --tenant t-1 --state dead --once").await.unwrap();
    assert_eq!(report.json[0]["ref"], "abc");
    assert!(report.text.contains("1920"), "{}", report.text);
    assert!(server.asked()[0].line.ends_with("?tenant=t-1&limit=100&state=dead"), "{:?}", server.asked());
}

#[tokio::test]
async fn a_plan_shows_what_would_be_replayed_and_starts_nothing() {
    let server = Server::start(answers).await;
    let filter = "--tenant t-1 --from 2026-11-23T00:00:00Z --to 2026-11-24T00:00:00Z --state dead";
    let report = run(&server, &format!("replay --plan {filter}")).await.unwrap();
    assert!(report.text.contains("at least 5000"), "{}", report.text);
    let posted: Vec<_> = server.asked().into_iter().map(|asked| asked.line).filter(|l| l.starts_with("POST")).collect();
    assert_eq!(posted, ["POST /operations/v1/plans"]);
    let body: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    assert_eq!((&body["states"], &body["from"]), (&json!(["dead"]), &json!("2026-11-23T00:00:00Z")));
    assert_eq!(body.get("entity"), None, "what was not given is left out");
}

#[tokio::test]
async fn a_filter_without_an_end_includes_the_newest_notifications() {
    let server = Server::start(answers).await;
    let before = SystemHost.now();
    run(&server, "replay --plan --tenant t-1 --from 1h").await.unwrap();
    let body: Value = serde_json::from_str(&server.asked()[0].body).unwrap();
    let [from, to] = ["from", "to"].map(|name| OffsetDateTime::parse(body[name].as_str().unwrap(), &Rfc3339).unwrap());
    assert!((before..=SystemHost.now()).contains(&to), "{before} {body}");
    assert_eq!(to - from, time::Duration::HOUR);
}

const FILTER: &str = "replay --tenant t-1 --from 24h --state dead --every 0s";

#[tokio::test]
async fn watches_a_job_until_it_ends() {
    let server = Server::start(answers).await;
    let report = run(&server, FILTER).await.unwrap();
    assert_eq!((report.exit, &report.json["done"]), (Exit::Ok, &json!(12)));
    assert!(report.text.contains("replayed     12\npassed over  1\n"), "{}", report.text);
    let lines: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["POST /operations/v1/jobs", "GET /operations/v1/jobs/7"]);
    assert_eq!(run(&server, &format!("{FILTER} --detach")).await.unwrap().json["status"], "running");
}

#[tokio::test]
async fn a_stop_cancels_the_job_and_shows_how_to_continue() {
    let server = Server::start(answers).await;
    let caller = Caller::Token("tok".into());
    let report = run_as(&server, FILTER, &caller, SdkConfig::builder().build(), true).await.unwrap();
    assert_eq!(report.exit, Exit::Interrupted);
    assert!(report.text.contains("To continue: visma-webhooks replay --resume 7\n"), "{}", report.text);
    assert_eq!(server.asked().last().unwrap().line, "POST /operations/v1/jobs/7/cancel");
    let resume = "replay --resume 0199a3c4-5b6d-7e8f-9012-3456789abcde --every 0s";
    assert_eq!(run(&server, resume).await.unwrap().exit, Exit::Ok);
}

/// A job begins, and each look at it gets this refusal.
fn hidden(asked: &Asked, status: u16, problem: Value) -> (u16, Value) {
    if asked.line.starts_with("POST") { (202, job("running", 0)) } else { (status, problem) }
}

#[tokio::test]
async fn a_job_that_cannot_be_watched_is_no_success() {
    let cases: [(Answers, Exit, &str); 3] = [
        (|asked| hidden(asked, 401, json!({ "message": "Unauthorized" })), Exit::Refused, "answered 401"),
        (|asked| hidden(asked, 403, json!({ "code": "forbidden" })), Exit::Refused, "answered 403 forbidden"),
        (|asked| hidden(asked, 404, json!({ "code": "unknown_job" })), Exit::NotFound, "answered 404 unknown_job"),
    ];
    for (answers, exit, what) in cases {
        let server = Server::start(answers).await;
        let failure = run(&server, FILTER).await.unwrap_err();
        assert!(failure.exit == exit && failure.what.ends_with(what), "{failure}");
        let advice = " The job continues. Watch it: visma-webhooks jobs get 7 --watch";
        assert!(failure.advice.contains(advice), "{}", failure.advice);
    }
}

#[tokio::test]
async fn a_change_without_an_answer_may_have_been_made() {
    let server = Server::mute().await;
    let failure = run(&server, "hold abc").await.unwrap_err();
    assert!(failure.advice.starts_with("It may have been carried out all the same"), "{}", failure.advice);
    assert_eq!(failure.exit, Exit::Unavailable);
    let failure = run(&server, "get abc").await.unwrap_err();
    assert_eq!(failure.advice, "Check the address and the network.");
}

#[tokio::test]
async fn signs_with_the_aws_credentials_without_a_token() {
    let server = Server::start(answers).await;
    let credentials = Credentials::new("AKIDEXAMPLE", "canary-secret-key", Some("session".into()), None, "test");
    let aws = SdkConfig::builder()
        .region(Region::new("eu-north-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    run_as(&server, "get abc", &Caller::Aws, aws, false).await.unwrap();
    let headers = &server.asked()[0].headers;
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/eu-north-1/execute-api/aws4_request"), "{authorization}");
    assert!(headers.contains_key("x-amz-date") && headers["x-amz-security-token"] == "session");
    assert!(!format!("{headers:?}").contains("canary"));
}

#[tokio::test]
async fn asks_nothing_without_a_token_and_credentials() {
    let server = Server::start(answers).await;
    let aws = SdkConfig::builder().region(Region::new("eu-north-1")).build();
    let refused = run_as(&server, "get abc", &Caller::Aws, aws, false).await.unwrap_err();
    assert_eq!((refused.exit, server.asked().len()), (Exit::Refused, 0));
    assert!(refused.advice.contains("VISMA_WEBHOOKS_TOKEN"), "{}", refused.advice);
}

#[tokio::test]
async fn follows_a_list_over_empty_pages() {
    let server = Server::start(|asked| match asked.line.contains("cursor=") {
        false => (200, json!({ "items": [], "next": "2" })),
        true => (200, json!({ "items": [{ "ref": "late" }] })),
    })
    .await;
    let report = run(&server, "tail --tenant t-1 --state dead --once").await.unwrap();
    assert_eq!(report.json, json!([{ "ref": "late" }]));
}

#[tokio::test]
async fn observed_shows_each_question_with_observations_and_advice() {
    let server = Server::start(answers).await;
    let report = run(&server, "observed").await.unwrap();
    for part in [
        "event_names  contradicted  42",
        "2026-11-23T12:00:00Z",
        "assumed: A name of the catalogue.",
        "differs: header: Acct",
        "handshake    assumed",
        "assumed: There is none. (cannot be seen from here)",
        "\n\nevent_names: Name it in event_aliases.\n",
    ] {
        assert!(report.text.contains(part), "{part} in {}", report.text);
    }
    assert!(!report.text.contains('\u{1b}'), "{}", report.text);
    assert_eq!(report.json, observed());
    let differing = run(&server, "observed --contradicted").await.unwrap();
    assert_eq!(differing.json, json!([observed()[0]]));
}

#[tokio::test]
async fn stats_show_the_overview_and_its_age_in_eighty_columns() {
    let server = Server::start(answers).await;
    let report = run(&server, "stats --tenant t-1 --by day --from 2026-11-01T00:00:00Z").await.unwrap();
    for part in [
        "counted up to         2026-11-28T12:00:00Z\n",
        "to the feedback       0.6 s, 95 of 100 in 4.0 s\n",
        "wait for another try  3\n",
        "silent tenants        1\n",
        "2026-11-28T10:00:00Z  8         6          6         2       1     4.0 s",
        "unmapped",
        "1013",
    ] {
        assert!(report.text.contains(part), "{part} in {}", report.text);
    }
    assert!(!report.text.contains("T11:00:00Z"), "nothing came then: {}", report.text);
    assert!(!report.text.contains('\u{1b}'), "{}", report.text);
    assert!(report.text.lines().all(|line| line.len() <= 80), "{}", report.text);
    assert_eq!(report.json, overview());
    assert!(
        server.asked()[0].line.ends_with("/overview?by=day&tenant=t-1&from=2026-11-01T00%3A00%3A00Z"),
        "{:?}",
        server.asked()
    );
    run(&server, "stats").await.unwrap();
    assert!(server.asked()[1].line.ends_with("/overview?by=hour"), "{:?}", server.asked());
}

#[tokio::test]
async fn replays_one_notification_by_its_reference() {
    let server = Server::start(answers).await;
    run(&server, "replay abc --note again").await.unwrap();
    let asked = server.asked().remove(0);
    assert_eq!(
        (asked.line.as_str(), asked.body.as_str()),
        ("POST /operations/v1/notifications/abc/replay", r#"{"note":"again"}"#)
    );
}

#[test]
fn a_replay_needs_a_reference_or_a_whole_filter() {
    for command in [
        "replay --plan",
        "replay --tenant t-1",
        "replay abc --plan",
        "replay abc --resume 0199a3c4-5b6d-7e8f-9012-3456789abcde",
    ] {
        let words = ["visma-webhooks"].into_iter().chain(command.split(' '));
        assert!(Arguments::try_parse_from(words).is_err(), "{command}");
    }
}
