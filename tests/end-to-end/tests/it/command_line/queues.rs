//! Tests `dlq` and `forward`.

use super::program::run;
use crate::company;
use end_to_end::{Company, Queue, until};
use serde_json::{Value, json};
use standin::Change;

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
