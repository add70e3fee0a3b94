//! Tests `get`, `tail`, `replay` and `learn` with an operator's tokens.

use super::{command, read, run, run_local, run_with};
use crate::company;
use end_to_end::{Company, Operator, Queue, Stack, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use standin::{Change, Collection, Emit, Item, Sending};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[tokio::test]
async fn tail_get_and_replay_show_and_repeat_one_notification_by_role() {
    let company = Company::new(company::COMMAND_LINE_OPERATIONS).await;
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "2801")).await.unwrap();
    company.answered(&changed.emitted).await;
    let read = Operator::token_for(stack, "Read", &["read"]).await;
    let raw = Operator::token_for(stack, "Raw", &["raw"]).await;
    let repair = Operator::token_for(stack, "Repair", &["repair"]).await;

    let (code, list) = run_with(stack, &read, &["tail", "--tenant", tenant, "--once"]);
    assert_eq!((code, &list[0]["key"], &list[0]["state"]), (0, &json!("2801"), &json!("processed")), "{list}");
    let reference = list[0]["ref"].as_str().unwrap();
    let (code, one) = run_with(stack, &read, &["get", reference]);
    assert_eq!((code, &one["feedback"]["state"]), (0, &json!("sent")), "{one}");

    let get_raw = ["get", reference, "--raw"];
    let (code, refused) = run_with(stack, &read, &get_raw);
    assert_eq!(code, 4, "{refused}");
    let (code, body) = run_with(stack, &raw, &get_raw);
    assert!(code == 0 && body["text"].as_str().unwrap().contains("2801"), "{body}");
    let (code, refused) = run(stack, &["get", reference]);
    assert_eq!(code, 4, "AWS credentials are nothing to an API that takes tokens: {refused}");
    let (code, unknown) = run_with(stack, &read, &["get", "bm9uZQ", "--from", "1h"]);
    assert_eq!(code, 3, "{unknown}");
    let (code, found) = run_with(stack, &read, &["get", "2801", "--tenant", tenant]);
    assert_eq!((code, &found["ref"]), (0, &json!(reference)), "{found}");

    let (code, replayed) = run_with(stack, &repair, &["replay", reference, "--note", "by hand"]);
    assert_eq!(code, 0, "{replayed}");
    until("the replay in the timeline", async || {
        let (_, one) = run_with(stack, &read, &["get", reference]);
        let moments = one["timeline"].as_array()?.clone();
        moments.iter().any(|moment| moment["text"] == "by hand").then_some(())
    })
    .await;
    follow(&company, &read).await;
}

#[tokio::test]
async fn the_local_stack_is_found_with_its_address_and_its_token() {
    let stack = Stack::load().await;
    let (code, counts) = run_local(&["counts"]);
    assert!(code == 0 && counts["dead"].is_u64(), "{counts}");
    let (code, list) = run_local(&["subscriptions", "list"]);
    assert!(code == 0 && list[0]["id"] == "local-erp", "{list}");
    let (code, request) = run_local(&["send", "--dry-run"]);
    assert!(code == 0 && request["url"].as_str().unwrap().starts_with(&stack.api_url), "{request}");
}

/// Shows arriving notifications until Ctrl-C.
async fn follow(company: &Company, token: &str) {
    let mut tail = command(&company.stack);
    tail.env("VISMA_WEBHOOKS_TOKEN", token).args(["tail", "--tenant", &company.tenant, "--every", "1s"]);
    let mut tail = tail.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let id = company.visma.emit_one(Item::new("CUSTOMER_UPDATED", "2802")).await.unwrap().notification_ids[0];
    // If none comes, the test's own time-out ends this.
    let shown = move || lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(&id.to_string())));
    assert!(tokio::task::spawn_blocking(shown).await.unwrap().is_some(), "it ended before it showed {id}");
    kill_process(Pid::from_child(&tail), Signal::INT).unwrap();
    assert_eq!(tail.wait().unwrap().code(), Some(130));
}

#[tokio::test]
async fn a_job_is_planned_stopped_by_ctrl_c_and_continued() {
    let company = Company::new(company::COMMAND_LINE_JOBS).await;
    let (stack, tenant) = (&company.stack, company.tenant.as_str());
    let items = (1..=12).map(|number| Item::new("CUSTOMER_UPDATED", &number.to_string())).collect();
    let emitted = company.visma.emit(&Emit { items, sending: Sending::default() }).await.unwrap();
    for id in emitted.notification_ids {
        company.ended(id, "processed", "sent").await;
    }
    let token = Operator::token_for(stack, "Repair", &["read", "repair"]).await;
    // At one per second it takes twelve slices.
    let filter = ["replay", "--tenant", tenant, "--state", "processed", "--from", "1h", "--rate", "1"];
    let (code, plan) = run_with(stack, &token, &[&filter[..], &["--plan"]].concat());
    assert_eq!((code, &plan["count"]), (0, &json!(12)), "{plan}");

    let mut job = command(stack);
    job.env("VISMA_WEBHOOKS_TOKEN", &token).args(filter);
    let mut job = job.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(job.stderr.take().unwrap()).lines();
    let first_slice = tokio::task::spawn_blocking(move || {
        let has_begun = |line: &String| line.contains(" of 12 replayed") && !line.contains(" 0 of 12 ");
        let seen = progress.find(|line| line.as_ref().is_ok_and(has_begun));
        // Keeps the pipe open, or the next line of progress would end the program.
        (seen.is_some(), progress)
    });
    let (seen, _progress) = first_slice.await.unwrap();
    assert!(seen, "it ended before its first slice");
    kill_process(Pid::from_child(&job), Signal::INT).unwrap();
    let (code, stopped) = read(&job.wait_with_output().unwrap());
    assert_eq!((code, &stopped["status"]), (130, &json!("cancelled")), "{stopped}");

    let (code, finished) = run_with(stack, &token, &["replay", "--resume", stopped["id"].as_str().unwrap()]);
    assert_eq!((code, &finished["status"], &finished["done"]), (0, &json!("finished"), &json!(12)), "{finished}");
}

/// A body with unknown names.
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
