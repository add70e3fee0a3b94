//! Tests `learn`: a body with unknown names gets processed without a change of code.

use super::program::run_with;
use crate::company;
use end_to_end::{Company, Operator, Queue, until};
use serde_json::{Value, json};
use standin::{Collection, Emit, Item, Sending};

const DIALECT: &str = r#"{"hendelse":"KontoEndret","konto":{"nr":"4101","status":"Aktiv"}}"#;

/// The states of all records of the company.
async fn states(company: &Company) -> Vec<String> {
    company.stack.records(&company.tenant).await.into_iter().map(|record| record.state).collect()
}

#[tokio::test]
async fn a_body_of_an_unknown_dialect_is_parked_learnt_and_processed_once() {
    let company = Company::new(company::LEARNT).await;
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    company.visma.put(Collection::Account, "4101", json!({})).await.unwrap();
    let sending = Sending { body: Some(DIALECT.into()), ..Sending::default() };
    let emit = Emit { items: vec![Item::new("KontoEndret", "4101")], sending };
    assert!(company.visma.emit(&emit).await.unwrap().all_delivered());
    until("the unknown one to be parked", async || (states(&company).await == ["parked: unmapped"]).then_some(()))
        .await;

    let token = Operator::token_for(stack, "Repair", &["read", "raw", "repair"]).await;
    let learn = ["learn", "--tenant", tenant];
    let (code, plan) = run_with(stack, &token, &[&learn[..], &["--plan"]].concat());
    assert_eq!((code, &plan["written"]), (0, &json!(false)), "{plan}");
    let after = &plan["groups"][0]["readings"][0]["after"];
    assert_eq!((&after["event"], &after["key"]), (&json!("ACCOUNT_CHANGED"), &json!("4101")), "{plan}");
    assert_eq!(states(&company).await, ["parked: unmapped"]);

    // Another test may write the settings at the same time.
    let learnt = until("the settings to be written", async || {
        let (code, learnt) = run_with(stack, &token, &learn);
        assert!([0, 4].contains(&code), "{learnt}");
        (code == 0).then_some(learnt)
    })
    .await;
    assert_eq!(learnt["states"], json!({ "processed": 1 }), "{learnt}");
    let mut ended = states(&company).await;
    ended.sort();
    assert_eq!(ended, ["processed", "superseded"]);
    let is_its_event = |message: &aws_sdk_sqs::types::Message| {
        let event: Value = serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default();
        event["subject"] == "4101"
    };
    stack.message(Queue::Events, is_its_event).await;

    nothing_is_published_twice(&company, &token).await;
}

/// Neither another `learn` nor a bulk replay of parked or closed notifications publishes again.
async fn nothing_is_published_twice(company: &Company, token: &str) {
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    let (code, again) = run_with(stack, token, &["learn", "--tenant", tenant]);
    assert_eq!((code, &again["groups"]), (0, &json!([])), "{again}");
    for state in ["parked", "superseded"] {
        let (code, job) = run_with(stack, token, &["replay", "--tenant", tenant, "--state", state, "--from", "1h"]);
        assert_eq!((code, &job["done"]), (0, &json!(0)), "{state}: {job}");
    }
    let (_, list) = run_with(stack, token, &["tail", "--tenant", tenant, "--once"]);
    let items = list.as_array().unwrap();
    let of = |state: &str| items.iter().find(|item| item["state"] == state).unwrap();
    let (new, old) = (of("processed"), of("superseded"));
    assert_eq!((&old["moved_to"], &new["moved_from"]), (&new["ref"], &old["ref"]), "{list}");
}
