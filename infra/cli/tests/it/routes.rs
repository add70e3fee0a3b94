//! The command line covers the operations API.

use crate::fakes::{Asked, Server};
use crate::operations::run;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use visma_webhooks::Exit;
use webhooks_host::{Host, SystemHost};

const JOB: &str = "0199a3c4-5b6d-7e8f-9012-3456789abcde";
/// Meant for programs; no command reads it.
const FOR_PROGRAMS: &str = "GET /operations/v1/openapi.json";

fn commands() -> Vec<String> {
    let jobs = ["get", "failed", "cancel", "resume"].map(|what| format!("jobs {what} {JOB}"));
    let others = [
        "erase --tenant t-1 --confirm t-1",
        "erase --tenant t-1 --plan",
        "get abc --raw",
        "get abc",
        "get C1013",
        "attention",
        "attention --acknowledged",
        "acknowledge abc --note known",
        "unacknowledge abc",
        "audit --from 24h --tenant t-1",
        "counts",
        "dead-letters list notifications",
        "dead-letters redrive repairs --plan",
        "dead-letters redrive feedback --message 5f1e --rejected --rate 5",
        "entity --tenant t-1 customer C1013",
        "jobs list",
        "replay --tenant t-1 --from 6h --every 0s",
        "replay --tenant t-1 --from 6h --plan",
        "tail --tenant t-1 --once",
        "resend abc",
        "feedback resend --all-tenants",
        "feedback resend --tenant t-1 --reason gave_up --cause 503 --from 6h --plan",
        "hold abc --note asked",
        "outcome abc --success --text Shipped",
        "release abc",
        "replay abc",
        "observed",
        "stats",
        "pauses list",
        "pauses begin --events * --tenant t-1 --new-tenant --for 2h",
        "pauses end --events sales_order.*",
        "quotas",
        "tenants",
    ];
    others.into_iter().map(str::to_owned).chain(jobs).collect()
}

fn answers(asked: &Asked) -> (u16, Value) {
    let (method, path) = asked.line.split_once(' ').unwrap();
    match (method, path.split('?').next().unwrap().rsplit('/').next().unwrap()) {
        ("GET", "C1013") => (404, json!({ "code": "unknown_notification" })),
        ("POST", "plans") => (200, json!({ "count": 1, "seconds": 1, "sample": [] })),
        ("POST", _) => (202, json!({ "id": JOB, "status": "finished", "done": 1, "skipped": 0 })),
        ("PUT" | "DELETE", _) => (204, Value::Null),
        (_, "dead-letters") => (
            200,
            json!({ "queues": [{ "name": "events", "waiting": 1, "in_flight": 0,
            "sample": [{ "id": "5f1e", "reason": "unconsumed" }] }] }),
        ),
        (_, "tenants") => (200, json!({ "items": [{ "id": "t-1" }] })),
        _ => (200, json!({ "items": [{ "ref": "abc", "id": JOB }], "text": "{}" })),
    }
}

/// The OpenAPI document.
pub(crate) fn document() -> Value {
    serde_json::from_str(include_str!("../../../../functions/operations/openapi.json")).unwrap()
}

/// The routes of the OpenAPI document, with the method before each.
fn routes() -> Vec<String> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let of = |(path, methods): (&String, &Value)| -> Vec<String> {
        methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.flat_map(of).collect()
}

pub(crate) fn is_of(line: &str, route: &str) -> bool {
    let (line, route): (Vec<&str>, Vec<&str>) =
        (line.split('?').next().unwrap().split('/').collect(), route.split('/').collect());
    line.len() == route.len() && line.iter().zip(route).all(|(own, other)| other.starts_with('{') || *own == other)
}

#[tokio::test]
async fn every_route_of_the_api_has_a_command() {
    let server = Server::start(answers).await;
    for command in commands() {
        let report = run(&server, &command).await.unwrap_or_else(|failure| panic!("{command}: {failure}"));
        assert_eq!(report.exit, Exit::Ok, "{command}");
    }
    let asked: BTreeSet<String> = server.all_asked().into_iter().map(|asked| asked.line).collect();
    let routes = routes();
    assert!(routes.len() > 20, "{routes:?}");
    let missing: Vec<&String> =
        routes.iter().filter(|route| *route != FOR_PROGRAMS && !asked.iter().any(|line| is_of(line, route))).collect();
    assert!(missing.is_empty(), "no command asks {missing:?}");
    let unknown: Vec<&String> = asked.iter().filter(|line| !routes.iter().any(|route| is_of(line, route))).collect();
    assert!(unknown.is_empty(), "the API has no {unknown:?}");
}

/// The fields of all requests in the OpenAPI document.
fn fields() -> BTreeSet<String> {
    let document = document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let bodies = operations.map(|one| &one["requestBody"]["content"]["application/json"]["schema"]);
    let schemas = bodies.filter_map(|schema| schema["$ref"].as_str());
    let properties = schemas.flat_map(|schema| {
        document.pointer(schema.trim_start_matches('#')).unwrap()["properties"].as_object().unwrap().keys().cloned()
    });
    properties.collect()
}

#[tokio::test]
async fn every_field_of_a_request_has_an_option() {
    let server = Server::start(answers).await;
    let more = [
        "replay --tenant t-1 --from 6h --to 1h --state dead --entity customer --event CUSTOMER_UPDATED --rate 5",
        "acknowledge abc --seen 5m",
        "feedback resend --tenant t-1 --to 1h",
    ];
    for command in commands().iter().map(String::as_str).chain(more) {
        run(&server, command).await.unwrap_or_else(|failure| panic!("{command}: {failure}"));
    }
    let bodies = server.asked().into_iter().filter_map(|asked| asked.body.parse::<Value>().ok());
    let sent: BTreeSet<String> =
        bodies.flat_map(|body| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>()).collect();
    let fields = fields();
    assert!(fields.len() > 15, "{fields:?}");
    assert_eq!(fields.difference(&sent).collect::<Vec<_>>(), [] as [&String; 0], "no command sends them");
}

#[tokio::test]
async fn deeds_send_their_options() {
    let server = Server::start(answers).await;
    for (command, body) in [
        ("hold abc --note asked", json!({ "note": "asked" })),
        ("acknowledge abc --note known", json!({ "note": "known" })),
        ("acknowledge abc --seen 2026-11-24T09:30:00Z", json!({ "note": "", "seen_at": "2026-11-24T09:30:00Z" })),
        ("unacknowledge abc", json!({ "note": "" })),
        ("outcome abc --failure --text Refused", json!({ "is_success": false, "description": "Refused" })),
        ("outcome abc --success --text Shipped", json!({ "is_success": true, "description": "Shipped" })),
        ("pauses begin --events *", json!({ "events": "*", "note": "" })),
        (
            "pauses begin --events * --until 2026-12-01T07:00+01:00",
            json!({ "events": "*", "note": "", "until": "2026-12-01T06:00:00Z" }),
        ),
        (
            "pauses begin --events * --tenant t-new --new-tenant",
            json!({ "events": "*", "note": "", "tenant": "t-new", "new_tenant": true }),
        ),
        ("dead-letters redrive events --message 5f1e", json!({ "message": "5f1e", "rejected": false, "note": "" })),
    ] {
        run(&server, command).await.unwrap();
        let sent: Value = server.asked().last().unwrap().body.parse().unwrap();
        assert_eq!(sent, body, "{command}");
    }
}

fn doomed(asked: &Asked) -> (u16, Value) {
    let letter = json!({ "id": "5f1e", "reason": "field_wrong", "dies_again": true });
    let queue = json!({ "name": "feedback", "waiting": 1, "in_flight": 0, "sample": [letter] });
    match asked.line.starts_with("GET") {
        true => (200, json!({ "queues": [queue] })),
        false => (200, json!({ "count": 1, "seconds": 1, "sample": ["5f1e"], "dies_again": 1 })),
    }
}

#[tokio::test]
async fn says_how_many_dead_letters_would_die_again() {
    let server = Server::start(doomed).await;
    for command in ["dead-letters list feedback", "dead-letters redrive feedback --plan"] {
        let report = run(&server, command).await.unwrap();
        assert!(report.text.contains("1 of those shown would die again"), "{command}: {}", report.text);
    }
    let server = Server::start(answers).await;
    let report = run(&server, "dead-letters redrive feedback --plan").await.unwrap();
    assert!(!report.text.contains("die again"), "{}", report.text);
}

#[tokio::test]
async fn a_pause_with_a_length_ends_that_long_from_now() {
    let server = Server::start(answers).await;
    let now = || SystemHost.now();
    let before = now();
    let report = run(&server, "pauses begin --events * --for 2h").await.unwrap();
    let sent: Value = server.asked().last().unwrap().body.parse().unwrap();
    let until = OffsetDateTime::parse(sent["until"].as_str().unwrap(), &Rfc3339).unwrap() - Duration::hours(2);
    assert!(before - Duration::SECOND <= until && until <= now(), "to the second");
    assert!(report.text.contains(sent["until"].as_str().unwrap()), "{}", report.text);
}

#[tokio::test]
async fn attention_asks_for_each_kind_and_names_it() {
    let server = Server::start(answers).await;
    let report = run(&server, "attention --tenant t-1").await.unwrap();
    let kinds: Vec<&Value> = report.json.as_array().unwrap().iter().map(|item| &item["kind"]).collect();
    assert_eq!(kinds, ["dead", "parked", "unparseable", "feedback_parked"]);
    assert!(server.asked().iter().all(|asked| asked.line.contains("tenant=t-1")), "{:?}", server.asked());
    assert_eq!(run(&server, "attention --kind paused").await.unwrap().json.as_array().unwrap().len(), 1);
    run(&server, "attention --kind dead --acknowledged").await.unwrap();
    let line = server.asked().last().unwrap().line.clone();
    assert!(line.contains("kind=dead&acknowledged=true"), "{line}");
}
