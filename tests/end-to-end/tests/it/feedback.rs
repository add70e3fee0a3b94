use crate::company;
use aws_sdk_sqs::types::Message;
use end_to_end::{Company, Queue};
use serde_json::{Value, json};
use standin::{Change, Endpoint, Fault, Item};

#[tokio::test]
async fn an_integrators_outcome_is_what_the_accountant_reads() {
    let company = Company::new(company::OUTCOMES).await;
    let change =
        Change { parameter: Some("ship today".into()), ..Change::new("PURCHASE_ORDER_ACTION_TRIGGERED", "700001") };
    let changed = company.visma.change_and_emit(&change).await.unwrap();
    let id = changed.emitted.notification_ids[0];
    company.ended(id, "processed", "awaited").await;

    let of_it = |message: &Message| message.body().is_some_and(|body| body.contains(&id.to_string()));
    let event = company.stack.message(Queue::Events, of_it).await;
    let event: Value = serde_json::from_str(event.body().unwrap()).unwrap();
    assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("net.visma.purchase_order.action")));
    assert_eq!(event["data"]["parameter"], "ship today");

    let notification = &event["data"]["notification"];
    let malformed = json!({"type": "outcome", "notification": notification, "is_success": "yes", "description": "x"});
    company.stack.send(Queue::Feedback, &malformed.to_string()).await;
    let rejected = company.stack.message(Queue::FeedbackDeadLetters, of_it).await;
    let code = rejected.message_attributes().unwrap()["rejection_code"].string_value();
    assert_eq!(code, Some("invalid_field"));

    let outcome = example::outcome(&event).unwrap();
    company.stack.send(Queue::Feedback, &outcome.to_string()).await;
    company.ended(id, "processed", "sent").await;
    assert_eq!(company.feedback(id).await, [(true, "The warehouse has taken the order.".to_owned())]);
}

#[tokio::test]
async fn a_feedback_gets_through_limits_failures_lost_answers_and_revoked_tokens() {
    let company = Company::new(company::FEEDBACK_TROUBLE).await;
    let first = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "1")).await.unwrap();
    company.answered(&first.emitted).await;
    let trouble = [Fault::retry_after(429, 1), Fault::status(500), Fault::Lost, Fault::status(401), Fault::status(503)];
    company.visma.set_faults(Endpoint::Feedback, &trouble).await.unwrap();
    company.visma.revoke_tokens().await.unwrap();
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "2")).await.unwrap();
    company.answered(&changed.emitted).await;
    let feedback = company.feedback(changed.emitted.notification_ids[0]).await;
    assert_eq!(feedback.len(), 2, "the one whose answer was lost, and the one whose answer came");
    assert_eq!(feedback[0], feedback[1]);
    let calls = company.visma.calls().await.unwrap();
    assert_eq!(calls.answered("feedback", 429), 1, "the limit is respected, not tried");
}

#[tokio::test]
async fn a_feedback_refused_under_one_id_is_sent_under_the_other_and_then_parked() {
    let company = Company::new(company::FALLBACK_ID).await;
    // Visma Net does not know the body's id; the header's belongs to the notification.
    let with_foreign_id = |key: &str| {
        let (mut item, foreign) = (Item::new("ACCOUNT_UPDATED", key), uuid::Uuid::new_v4());
        item.extra.insert("notificationId".into(), json!(foreign));
        (item, foreign)
    };
    let (item, foreign) = with_foreign_id("1920");
    let emitted = company.visma.emit_one(item).await.unwrap();
    assert!(emitted.all_delivered());
    company.ended(foreign, "processed", "sent").await;
    assert_eq!(company.feedback(emitted.notification_ids[0]).await.len(), 1);

    company.visma.set_faults(Endpoint::Feedback, &[Fault::status(400), Fault::status(404)]).await.unwrap();
    let (item, foreign) = with_foreign_id("1930");
    assert!(company.visma.emit_one(item).await.unwrap().all_delivered());
    company.ended(foreign, "processed", "parked").await;
    let calls = company.visma.calls().await.unwrap();
    assert_eq!((calls.answered("feedback", 400), calls.answered("feedback", 404)), (1, 2), "each of both ids once");
}
