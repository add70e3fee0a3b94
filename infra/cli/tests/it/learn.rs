//! `learn` with parked notifications of an unknown dialect.

use crate::fakes::{Asked, Server};
use crate::subscriptions::Memory;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use fixtures::TENANT;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use visma_webhooks::commands::operations::{Caller, learn_with};
use visma_webhooks::{Arguments, Command, Exit, Failure, Report, Stack};
use webhooks_model::notification::Directory;
use webhooks_model::{Entity, NotificationKey};
use webhooks_settings::Settings;

/// Three of one shape, one whose event cannot be guessed, and one parked for another reason.
const BODIES: [(&str, &str, &str); 5] = [
    (
        "a",
        "KontoEndret",
        r#"{"hendelse":"KontoEndret","uid":"00000000-0000-0000-0000-0000000000a1","konto":{"nr":"1920","status":"Aktiv"},"tidspunkt":"2026-11-23T12:00:00Z"}"#,
    ),
    (
        "b",
        "KontoEndret",
        r#"{"hendelse":"KontoEndret","uid":"00000000-0000-0000-0000-0000000000a2","konto":{"nr":"1930","status":"Aktiv"},"tidspunkt":"2026-11-23T12:00:01Z"}"#,
    ),
    ("c", "SalesOrder.Modified", r#"{"type":"SO","no":42,"orderStatus":"Open"}"#),
    ("d", "PayrollRun", r#"{"run":1}"#),
    ("e", "ACCOUNT_CHANGED", r#"{"canary":"never read"}"#),
];

fn reference(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TENANT}#unmapped#~{name}#x"))
}

fn answers(asked: &Asked) -> (u16, Value) {
    let (method, path) = asked.line.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    let name = |rest: &str| BODIES.iter().find(|(name, ..)| rest.starts_with(&reference(name)));
    match (method, path) {
        ("GET", "/operations/v1/attention") => {
            (200, json!({ "items": BODIES.map(|(name, event, raw)| item(name, event, raw)) }))
        }
        ("GET", "/operations/v1/notifications/new") => (200, json!({ "ref": "new", "state": "processed" })),
        ("GET", path) => match path.strip_prefix("/operations/raw/notifications/") {
            Some(rest) => name(rest).map_or((404, Value::Null), |(_, _, raw)| (200, json!({ "text": raw }))),
            None => (200, json!({ "state": "superseded", "moved_to": "new" })),
        },
        (_, path) if path.ends_with("/replay") => (202, Value::Null),
        _ => (404, Value::Null),
    }
}

fn item(name: &str, event: &str, raw: &str) -> Value {
    let reason = if name == "e" { "tenant_not_approved" } else { "unmapped" };
    json!({
        "ref": reference(name), "tenant": TENANT, "entity": "unmapped", "key": format!("~{name}"), "event": event,
        "id": NotificationKey::new(raw.as_bytes(), event, None).to_string(), "channel": "dispatcher", "subscription": "all", "state": "parked",
        "reason": reason, "received_at": "2026-11-23T12:00:00Z",
    })
}

async fn run(server: &Server, memory: &Memory, command: &str) -> Result<Report, Failure> {
    let command = format!("visma-webhooks learn --api {} --settle 0s {command}", server.url);
    let Command::Learn(options) = Arguments::try_parse_from(command.split_whitespace()).unwrap().command else {
        panic!("{command}")
    };
    let aws = aws_config::SdkConfig::builder().build();
    let stack = Stack::new(aws, None, BTreeMap::new());
    learn_with(memory, &stack, &Caller::Token("token".into()), *options).await
}

fn reading<'a>(report: &'a Report, name: &str) -> &'a Value {
    let groups = report.json["groups"].as_array().unwrap();
    let mut readings = groups.iter().flat_map(|group| group["readings"].as_array().unwrap());
    readings.find(|one| one["ref"] == *reference(name)).unwrap()
}

fn replays(server: &Server) -> usize {
    server.asked().iter().filter(|asked| asked.line.ends_with("/replay")).count()
}

#[tokio::test]
async fn a_plan_shows_each_reading_and_writes_nothing() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    let before = memory.text.borrow().clone();
    let plan = run(&server, &memory, "--plan").await.unwrap();
    assert_eq!((&*memory.text.borrow(), replays(&server)), (&before, 0));
    let one = reading(&plan, "a");
    assert_eq!((&one["before"]["event"], &one["before"]["key"]), (&json!("KontoEndret"), &Value::Null));
    assert_eq!((&one["after"]["event"], &one["after"]["key"]), (&json!("ACCOUNT_CHANGED"), &json!("1920")));
    assert_eq!((&one["after"]["entity"], &one["after"]["status"]), (&json!("account"), &json!("Aktiv")));
    let order = reading(&plan, "c");
    assert_eq!((&order["after"]["event"], &order["after"]["key"]), (&json!("SALES_ORDER_CHANGED"), &json!("SO/42")));
    assert_eq!(reading(&plan, "d")["after"]["identified"], false, "it cannot be guessed");
    assert!(plan.text.contains("KontoEndret -> ACCOUNT_CHANGED"), "{}", plan.text);
    assert!(plan.text.contains("1 would stay parked"), "{}", plan.text);
    assert!(plan.text.contains("Nothing was written; 3 could be replayed."), "{}", plan.text);
    assert!(!server.asked().iter().any(|asked| asked.line.contains(&reference("e")) && asked.line.contains("raw")));
    assert!(!plan.text.contains("canary") && !plan.json.to_string().contains("canary"));
}

#[tokio::test]
async fn writes_what_was_learnt_and_replays_what_it_reads() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    let report = run(&server, &memory, "").await.unwrap();
    assert_eq!((report.exit, &report.json["states"]["processed"], replays(&server)), (Exit::Ok, &json!(3), 3));
    let settings = Settings::parse(&memory.text.borrow()).unwrap();
    assert_eq!(settings.event_alias("KontoEndret").unwrap().entity, Entity::Account);
    assert_eq!(settings.event_alias("PayrollRun"), None);
    assert_eq!(settings.fields().len(), 2);

    // Second run: known names are not written again.
    let written = memory.text.borrow().clone();
    run(&server, &memory, "").await.unwrap();
    assert_eq!(*memory.text.borrow(), written);
}

/// What was replayed fails.
fn dying(asked: &Asked) -> (u16, Value) {
    match asked.line.ends_with("/notifications/new") {
        true => (200, json!({ "ref": "new", "state": "dead" })),
        false => answers(asked),
    }
}

#[tokio::test]
async fn fails_if_a_replay_needs_a_person_again() {
    let (server, memory) = (Server::start(dying).await, Memory::new());
    let report = run(&server, &memory, "").await.unwrap();
    assert_eq!((report.exit, &report.json["states"]["dead"]), (Exit::Failed, &json!(3)));
}

#[tokio::test]
async fn says_that_there_may_be_more_than_it_read() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    let more = "There may be more: give a larger --limit.";
    assert!(run(&server, &memory, "--plan --limit 1").await.unwrap().text.ends_with(more));
    assert!(!run(&server, &memory, "--plan").await.unwrap().text.contains(more));
}

/// A body whose names control a terminal.
const HOSTILE: &str = r#"{"event":"Pay\u001b[2Jroll\u009b1A","r\u001b]0;x\u0007un":1}"#;

fn hostile(asked: &Asked) -> (u16, Value) {
    let (_, path) = asked.line.split_once(' ').unwrap();
    match path.split('?').next().unwrap() {
        "/operations/v1/attention" => (200, json!({ "items": [item("h", "PayrollRun", HOSTILE)] })),
        path if path.starts_with("/operations/raw/") => (200, json!({ "text": HOSTILE })),
        _ => (404, Value::Null),
    }
}

#[tokio::test]
async fn a_name_of_a_body_cannot_control_the_terminal() {
    let (server, memory) = (Server::start(hostile).await, Memory::new());
    let plan = run(&server, &memory, "--plan").await.unwrap().text;
    assert!(plan.contains("Pay [2Jroll 1A") && plan.contains("/r ]0;x un:number"), "{plan}");
    assert!(!plan.contains(|c: char| c != '\n' && c.is_control()), "{plan}");
}

#[tokio::test]
async fn options_override_proposals() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    let options = "--plan --event PayrollRun --alias PayrollRun=EMPLOYEE_CHANGED --key /run";
    let plan = run(&server, &memory, options).await.unwrap();
    assert_eq!(plan.json["groups"].as_array().unwrap().len(), 1);
    let one = reading(&plan, "d");
    assert_eq!((&one["after"]["event"], &one["after"]["key"]), (&json!("EMPLOYEE_CHANGED"), &json!("1")));
    let joined = run(&server, &memory, "--plan --event SalesOrder.Modified --key /orderStatus,/no").await.unwrap();
    assert_eq!(reading(&joined, "c")["after"]["key"], "Open/42");
}

#[tokio::test]
async fn refuses_invalid_pointers_and_pointers_for_several_groups() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    assert_eq!(run(&server, &memory, "--key /no").await.unwrap_err().exit, Exit::Usage);
    let refused =
        run(&server, &memory, "--event PayrollRun --alias PayrollRun=EMPLOYEE_CHANGED --key no").await.unwrap_err();
    assert!(refused.exit == Exit::Refused && refused.what.contains("pointer_invalid: fields["), "{refused}");
    assert!(Arguments::try_parse_from(["visma-webhooks", "learn", "--alias", "A=NO_SUCH"]).is_err());
    assert_eq!(replays(&server), 0);
}

#[tokio::test]
async fn keeps_settings_changed_meanwhile_and_replays_nothing() {
    let (server, memory) = (Server::start(answers).await, Memory { disturbed: true, ..Memory::new() });
    let before = memory.text.borrow().clone();
    assert_eq!(run(&server, &memory, "").await.unwrap_err().exit, Exit::Refused);
    assert_eq!((&*memory.text.borrow(), replays(&server)), (&before, 0));
}

#[tokio::test]
async fn the_readme_shows_its_output() {
    let (server, memory) = (Server::start(answers).await, Memory::new());
    let only = "--event KontoEndret";
    let plan = run(&server, &memory, &format!("{only} --plan")).await.unwrap().text;
    let done = run(&server, &memory, only).await.unwrap().text;
    let last = done.lines().last().unwrap();
    let shown = format!(
        "```text\n$ visma-webhooks learn {only} --plan\n{}\n\n$ visma-webhooks learn {only}\n...\n{last}\n```\n",
        plan.trim_end().replace(&reference("a"), "MTAwMDAw...").replace(&reference("b"), "MTAwMDAx...")
    );
    let shown = shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (start, end) =
        ("<!-- learn: WRITE_README=1 cargo test -p visma-webhooks writes this -->\n", "\n<!-- /learn -->");
    let from = readme.find(start).unwrap() + start.len();
    let to = readme.find(end).unwrap();
    if std::env::var_os("WRITE_README").is_some() {
        std::fs::write(path, format!("{}{shown}{}", &readme[..from], &readme[to..])).unwrap();
        return;
    }
    assert_eq!(&readme[from..to], shown);
}
