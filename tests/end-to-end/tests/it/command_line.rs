//! Tests the real `visma-webhooks` against the deployed template.

mod operations;

use crate::company;
use end_to_end::{Company, Queue, Stack, until};
use serde_json::{Value, json};
use standin::Change;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use uuid::Uuid;

#[tokio::test]
async fn the_command_line_adds_a_subscription_delivers_by_it_disables_it_and_finds_nothing_wrong() {
    let company = Company::new(company::COMMAND_LINE).await;
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    let add = ["subscriptions", "add", "--id", "command-line", "--route", "command-line", "--tenant", tenant];
    let (code, added) = write(stack, &add).await;
    assert_eq!((code, &added["written"]), (0, &Value::Bool(true)), "{added}");
    let (code, taken) = run(stack, &add);
    assert_eq!(code, 4, "{taken}");
    let (_, list) = run(stack, &["subscriptions", "list"]);
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|own| own["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["local-erp", "local-legacy", "command-line"]);
    assert!(!list.to_string().contains(added["secret"].as_str().unwrap()));

    // Intake reads the settings again if something does not match, but at most twice a minute.
    let send = ["send", "--subscription", "command-line", "--event", "CUSTOMER_UPDATED", "--key", "24"];
    let sent = until("intake to know the subscription", async || {
        let (code, sent) = run(stack, &send);
        (code == 0).then_some(sent)
    })
    .await;
    assert_eq!(sent["status"], 202, "{sent}");
    let id = Uuid::parse_str(sent["notification"].as_str().unwrap()).unwrap();
    let record = until("the notification to end", async || {
        let records = stack.records_of(tenant, id).await;
        records.into_iter().find(|record| record.state == "processed")
    })
    .await;
    assert_eq!(record.state, "processed");

    let (code, rotated) = write(stack, &["subscriptions", "rotate", "command-line"]).await;
    assert_eq!(code, 0, "{rotated}");
    assert_ne!(rotated["secret"], added["secret"]);
    let (code, disabled) = write(stack, &["subscriptions", "disable", "command-line"]).await;
    assert_eq!(code, 0, "{disabled}");
    let (code, refused) = run(stack, &send);
    assert_eq!(code, 4, "it has no live secret to sign with: {refused}");
    examine(stack, tenant);
    look_at_the_account(stack);
}

/// The local AWS can answer all questions about the account, and the alarms have no subscriber.
fn look_at_the_account(stack: &Stack) {
    let (_, checks) = run(stack, &["deploy-check"]);
    let checks = checks.as_array().unwrap_or_else(|| panic!("{checks}"));
    let of = |name: &'static str| checks.iter().filter(move |check| check["name"].as_str().unwrap().starts_with(name));
    for (name, count) in [("stack", 1), ("settings", 1), ("reachable", 1), ("mapping", 3), ("schedule", 1), ("log", 1)]
    {
        let verdicts: Vec<_> = of(name).map(|check| &check["verdict"]).collect();
        assert_eq!(verdicts, vec!["ok"; count], "{name} in {checks:#?}");
    }
    assert_eq!(of("alarms").map(|check| &check["verdict"]).next().unwrap(), "warning", "{checks:#?}");
    let unknown: Vec<_> = checks.iter().filter(|check| check["verdict"] == "unknown").collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// The doctor finds no fault, and dead letters are listed.
fn examine(stack: &Stack, tenant: &str) {
    let (code, checks) = run(stack, &["doctor", "--tenant", tenant]);
    assert_eq!(code, 0, "{checks:#}");
    let verdict = |name: &str| {
        let named = |check: &&Value| check["name"].as_str().unwrap().starts_with(name);
        checks.as_array().unwrap().iter().find(named).unwrap_or_else(|| panic!("{name}"))["verdict"].clone()
    };
    for name in [
        "AWS",
        "stack",
        "settings",
        "subscription local-erp",
        "health",
        "unsigned",
        "token",
        "ERP",
        "approval",
        "operations API",
        "queue of notifications",
        "table",
    ] {
        assert_eq!(verdict(name), "ok", "{name} in {checks:#}");
    }
    let (code, letters) = run(stack, &["dlq", "list"]);
    assert_eq!((code, letters["queues"].as_array().unwrap().len()), (0, 3), "{letters}");
}

#[tokio::test]
async fn a_dead_letter_is_listed_shown_and_sent_again() {
    let company = Company::new(company::COMMAND_LINE_DEAD_LETTERS).await;
    let stack = &company.stack;
    let changed =
        company.visma.change_and_emit(&Change::new("PURCHASE_ORDER_ACTION_TRIGGERED", "300001")).await.unwrap();
    let id = changed.emitted.notification_ids[0];
    let record = company.ended(id, "processed", "awaited").await;
    let notification = json!({
        "tenant": company.tenant, "entity": record.entity, "key": record.key, "id": record.notification,
    });
    let outcome = json!({
        "type": "outcome", "notification": notification, "is_success": true, "description": "Shipped after all.",
    });
    stack.send(Queue::FeedbackDeadLetters, &outcome.to_string()).await;

    // Other tests also look into this queue, which hides its messages for a moment.
    let message = until("the dead letter in the list", async || {
        let (code, list) = run(stack, &["dlq", "list", "feedback"]);
        assert_eq!(code, 0, "{list}");
        let letters = list["items"].as_array().unwrap().clone();
        let own = letters.into_iter().find(|letter| letter["reason"] == "every attempt failed");
        own.map(|letter| letter["id"].as_str().unwrap().to_owned())
    })
    .await;
    let shown = until("the dead letter", async || {
        let (code, shown) = run(stack, &["dlq", "show", "feedback", &message, "--body"]);
        assert!([0, 3].contains(&code), "{shown}");
        (code == 0).then_some(shown)
    })
    .await;
    let body: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, outcome);

    until("the dead letter to be sent again", async || {
        let (code, redriven) = run(stack, &["dlq", "redrive", "feedback"]);
        assert_eq!(code, 0, "{redriven}");
        (redriven["sent"] == 1).then_some(())
    })
    .await;
    company.ended(id, "processed", "sent").await;
    assert_eq!(company.feedback(id).await, [(true, "Shipped after all.".to_owned())]);
}

/// These examples of the help change what other tests use, read a secret, judge the whole stack, or
/// show what the demo of `cargo xtask up` has sent.
const NOT_RUN: [&str; 13] = [
    "client --id standin-client --secret-stdin --dry-run",
    "deploy-check",
    "doctor",
    "entity --tenant 10000000-0000-4000-8000-000000000001 customer 10001",
    "forward --to http://localhost:3000/events --once",
    "get 10001",
    "pauses begin --events \"sales_order.*\" --note outage",
    "pauses end --events \"sales_order.*\"",
    "send --event CUSTOMER_UPDATED --key 10001",
    "settings aliases add KontoEndret=ACCOUNT_CHANGED",
    "settings aliases remove KontoEndret",
    "subscriptions disable local-erp",
    "subscriptions enable local-erp",
];

/// As the manual pages have them, without what a shell does with them.
fn examples(folder: &Path) -> BTreeSet<String> {
    let mut examples = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let page = fs::read_to_string(file.unwrap().path()).unwrap().replace("\\-", "-");
        let own = page.lines().filter_map(|line| line.strip_prefix("visma-webhooks --local "));
        examples.extend(own.map(|line| line.split(['<', '|', '>', '#']).next().unwrap().trim().to_owned()));
    }
    examples
}

/// Runs alone (`.config/nextest.toml`), since its sweep finds what other tests' companies hold back.
#[tokio::test]
async fn the_examples_for_the_stack_on_this_machine_work_as_they_stand() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples-of-the-help");
    let _ = fs::remove_dir_all(&folder);
    let (code, pages) = run_local(&["man", "--out", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{pages}");
    let mut examples = examples(&folder);
    for example in NOT_RUN {
        assert!(examples.remove(example), "no help has {example}");
    }
    assert!(examples.len() > 25, "{examples:#?}");
    // Writes the directory of tenants, which knows the names in the examples.
    Stack::load().await.reconcile(None).await;
    for example in examples {
        let (code, shown) =
            run_local(&example.split_whitespace().map(|word| word.trim_matches('"')).collect::<Vec<_>>());
        assert_eq!(code, 0, "{example}: {shown}");
    }
}

/// Exit code and result as JSON, or the error if there is no result.
pub(crate) fn run(stack: &Stack, arguments: &[&str]) -> (i32, Value) {
    read(&command(stack).args(arguments).output().expect("the program starts"))
}

/// The same for a command that writes the settings. Another test may write them at the same time.
async fn write(stack: &Stack, arguments: &[&str]) -> (i32, Value) {
    until("the settings to be written", async || {
        let (code, told) = run(stack, arguments);
        let is_late = told.as_str().is_some_and(|told| told.contains("someone else has changed"));
        (!is_late).then_some((code, told))
    })
    .await
}

/// The same, with a token for the operations API.
fn run_with(stack: &Stack, token: &str, arguments: &[&str]) -> (i32, Value) {
    let mut command = command(stack);
    command.env("VISMA_WEBHOOKS_TOKEN", token).args(arguments);
    read(&command.output().expect("the program starts"))
}

fn read(output: &Output) -> (i32, Value) {
    let code = output.status.code().expect("it ends by itself");
    let json = serde_json::from_slice(&output.stdout);
    (code, json.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.stderr).into_owned())))
}

/// The same, with only `WEBHOOKS_STACK` and `--local`.
fn run_local(arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::new(program());
    command.env_remove("AWS_ENDPOINT_URL").args(["--local", "--output", "json"]).args(arguments);
    read(&command.output().expect("the program starts"))
}

/// `cargo xtask test` has built it next to this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let program = test.ancestors().nth(2).expect("target/debug").join("visma-webhooks");
    assert!(program.exists(), "{} is missing: cargo build -p visma-webhooks", program.display());
    program
}

fn command(stack: &Stack) -> Command {
    let mut command = Command::new(program());
    command.args(["--stack", "webhooks", "--set", &format!("ApiUrl={}", stack.api_url), "--output", "json"]);
    command
}
