//! Tests the real `visma-webhooks` against the deployed template.

mod examples;
mod learn;
mod operations;
mod program;
mod queues;

use crate::company;
use end_to_end::{Company, Stack, until};
pub(crate) use program::run;
use serde_json::Value;
use uuid::Uuid;

#[tokio::test]
async fn the_command_line_adds_a_subscription_delivers_by_it_disables_it_and_finds_nothing_wrong() {
    let company = Company::new(company::COMMAND_LINE).await;
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    let add = ["subscriptions", "add", "--id", "command-line", "--route", "command-line", "--tenant", tenant];
    let (code, added) = run(stack, &add);
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

    let (code, rotated) = run(stack, &["subscriptions", "rotate", "command-line"]);
    assert_eq!(code, 0, "{rotated}");
    assert_ne!(rotated["secret"], added["secret"]);
    let (code, disabled) = run(stack, &["subscriptions", "disable", "command-line"]);
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
