//! Tests the operations API behind API Gateway's own authoriser, with really sent notifications.

use crate::company;
use end_to_end::{Company, Operator, PATIENCE, until, until_within};
use serde_json::{Value, json};
use standin::{Change, Dialect, Emit, Item};

const DAY: &str = "from=2026-01-01T00:00:00Z";

/// The only notification of an entity in the API.
async fn shown(read: &Operator, company: &Company, entity: &str, key: &str) -> Value {
    let url = format!("/operations/v1/entities?tenant={}&entity={entity}&key={key}", company.tenant);
    let (status, body) = read.ask("GET", &url, None).await;
    assert_eq!(status, 200, "{body}");
    body["notifications"][0].clone()
}

#[tokio::test]
async fn each_role_can_do_only_its_own_and_no_request_passes_without_a_token() {
    let company = Company::new(company::OPERATORS).await;
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "4711")).await.unwrap();
    company.answered(&changed.emitted).await;
    let [read, raw, repair] = ["Read", "Raw", "Repair"].map(|role| Operator::new(&company.stack, role));
    let (read, raw, repair) = (read.await, raw.await, repair.await);
    let nobody = Operator::without_a_token(&company.stack);
    let one = shown(&read, &company, "customer", "4711").await;
    let reference = one["ref"].as_str().unwrap();

    let timeline = format!("/operations/v1/notifications/{reference}");
    let (status, body) = read.ask("GET", &timeline, None).await;
    assert_eq!((status, &body["state"], &body["feedback"]["state"]), (200, &json!("processed"), &json!("sent")));
    let moments: Vec<&str> =
        body["timeline"].as_array().unwrap().iter().map(|moment| moment["what"].as_str().unwrap()).collect();
    assert_eq!(moments, ["received", "processed", "feedback_sent"]);

    let body_as_it_came = format!("/operations/raw/notifications/{reference}");
    let replay = format!("{timeline}/replay");
    for (method, url, allowed) in
        [("GET", &timeline, "read"), ("GET", &body_as_it_came, "raw"), ("POST", &replay, "repair")]
    {
        assert_eq!(nobody.ask(method, url, None).await.0, 401, "{url}: API Gateway refuses whom it does not know");
        for (role, operator) in [("read", &read), ("raw", &raw), ("repair", &repair)] {
            let (status, body) = operator.ask(method, url, None).await;
            assert_eq!(status == 403, role != allowed, "{role} on {method} {url}: {status} {body}");
        }
    }
    let (_, body) = raw.ask("GET", &body_as_it_came, None).await;
    assert!(body["text"].as_str().unwrap().contains("4711"));
}

#[tokio::test]
async fn paused_notifications_wait_and_continue_when_the_pause_ends() {
    let company = Company::new(company::PAUSED).await;
    let (read, repair) = (Operator::new(&company.stack, "Read").await, Operator::new(&company.stack, "Repair").await);
    let pause = json!({"tenant": company.tenant, "events": "*", "note": "moving house", "new_tenant": true});
    assert_eq!(repair.ask("PUT", "/operations/v1/pauses", Some(&pause)).await.0, 204);
    // Processors notice the pause within 15 seconds. Earlier notifications are not paused yet.
    let mut number = 0;
    let waiting = until("a notification to be paused", async || {
        number += 1;
        let change = Change::new("CUSTOMER_UPDATED", &number.to_string());
        let id = company.visma.change_and_emit(&change).await.unwrap().emitted.notification_ids[0];
        let record =
            until("it to be recorded", async || company.stack.records_of(&company.tenant, id).await.pop()).await;
        (record.state == "paused").then_some(id)
    })
    .await;
    assert!(company.feedback(waiting).await.is_empty());
    let (_, counts) = read.ask("GET", "/operations/v1/counts", None).await;
    assert!(counts["paused"].as_u64().unwrap() >= 1, "the backlog is shown: {counts}");

    assert_eq!(repair.ask("DELETE", "/operations/v1/pauses", Some(&pause)).await.0, 204);
    company.ended(waiting, "processed", "sent").await;
    let list = format!("/operations/v1/notifications?tenant={}&state=paused&{DAY}", company.tenant);
    assert_eq!(read.ask("GET", &list, None).await.0, 400, "more than 90 days are refused");
}

#[tokio::test]
async fn erases_a_tenant_on_request_and_keeps_the_request() {
    let company = Company::new(company::ERASED).await;
    let stack = &company.stack;
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "10001")).await.unwrap();
    company.answered(&changed.emitted).await;
    let operator = async |role| Operator::new(stack, role).await;
    let (read, repair, erase) = (operator("Read").await, operator("Repair").await, operator("Erase").await);
    let request = json!({"tenant": company.tenant, "confirm": company.tenant, "rate": 100, "note": "contract ended"});
    assert_eq!(erase.ask("POST", "/operations/erasures", Some(&request)).await.0, 409, "not while it is at work");
    let pause = json!({"tenant": company.tenant, "events": "*"});
    assert_eq!(repair.ask("PUT", "/operations/v1/pauses", Some(&pause)).await.0, 204);
    assert_eq!(repair.ask("POST", "/operations/erasures", Some(&request)).await.0, 403);

    let (status, job) = erase.ask("POST", "/operations/erasures", Some(&request)).await;
    assert_eq!(status, 202, "{job}");
    let url = format!("/operations/v1/jobs/{}", job["id"].as_str().unwrap());
    let finished = async || {
        let (_, job) = read.ask("GET", &url, None).await;
        (job["status"] == "finished").then_some(job)
    };
    // It first waits for attempts that began before it.
    let job = until_within(PATIENCE * 2, "the erasure to finish", finished).await;
    assert!(job["done"].as_u64().unwrap() >= 2, "a head and a notification: {job}");
    assert!(stack.records(&company.tenant).await.is_empty());
    let (_, audit) = read.ask("GET", &format!("/operations/v1/audit?tenant={}", company.tenant), None).await;
    let deeds: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|deed| deed["deed"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["erase_tenant", "pause", "erase_tenant"], "{audit}");
    assert_eq!(repair.ask("DELETE", "/operations/v1/pauses", Some(&pause)).await.0, 204);
}

/// Waits for a fact that contradicts the assumption of a question.
async fn contradicted(read: &Operator, code: &str, value: &str) -> Value {
    until(&format!("{code} to be contradicted by {value}"), async || {
        let (status, body) = read.ask("GET", "/operations/v1/observed", None).await;
        assert_eq!(status, 200, "{body}");
        let question = body["items"].as_array()?.iter().find(|item| item["question"] == code)?.clone();
        let facts = question["facts"].as_array()?;
        let is_there = facts
            .iter()
            .any(|fact| fact["agrees"] == false && fact["value"].as_str().is_some_and(|seen| seen.contains(value)));
        (is_there && question["stands"] == "contradicted").then_some(question)
    })
    .await
}

#[tokio::test]
async fn an_unknown_dialect_is_observed_and_shown() {
    let company = Company::new(company::FOREIGN).await;
    let read = Operator::new(&company.stack, "Read").await;
    company.visma.set_dialect(&Dialect::foreign()).await.unwrap();
    let items = vec![Item::new("ACCOUNT_CHANGED", "1920"), Item::new("ACCOUNT_CHANGED", "1930")];
    let emitted = company.visma.emit(&Emit { items, ..Emit::default() }).await.unwrap();
    assert!(emitted.all_delivered(), "{emitted:?}");

    let names = contradicted(&read, "event_names", "erp.account.changed").await;
    assert!(names["advice"].as_str().unwrap().contains("event_aliases"), "{names}");
    contradicted(&read, "timestamp_unit", "seconds").await;
    let shape = contradicted(&read, "body_shape", "/record/no:string").await;
    assert!(!shape.to_string().contains("1920") && !shape.to_string().contains(&company.tenant), "{shape}");

    // The usual form, except for the id that the feedback accepts.
    company.visma.set_dialect(&Dialect { feedback_takes_header_id: true, ..Dialect::default() }).await.unwrap();
    company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "4711")).await.unwrap();
    let id = contradicted(&read, "feedback_id", "the header's").await;
    assert!(id["advice"].as_str().unwrap().contains("visma.feedback_id"), "{id}");
}
