//! Tests what the product records about a Visma Net that differs from its assumptions.

use crate::company;
use end_to_end::{Company, Operator, until};
use serde_json::Value;
use standin::{Change, Dialect, Emit, Item};

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
