use crate::company;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use end_to_end::{Company, Queue, until};
use serde_json::json;
use standin::{Change, Collection, Emit, Endpoint, Fault, Item, Outage, Retry, Sending};

#[tokio::test]
async fn a_poison_in_the_middle_of_a_batch_goes_to_the_dead_letter_queue_alone() {
    let company = Company::new(company::POISON).await;
    let emitted = company.visma.emit(&Emit { items: accounts(3), sending: Sending::default() }).await.unwrap();
    for id in &emitted.notification_ids {
        company.ended(*id, "processed", "sent").await;
    }
    // Repeats messages of intake, as SQS may do, with a foreign one among them.
    let foreign = format!("foreign-{}", uuid::Uuid::new_v4());
    let entry = |(at, body): (usize, &str)| {
        SendMessageBatchRequestEntry::builder().id(at.to_string()).message_body(body).build().unwrap()
    };
    let good = json!({
        "encoding": "text", "id": uuid::Uuid::new_v4(), "channel": "dispatcher", "subscription": "local-erp",
        "received_at": "2026-11-23T12:00:00Z", "headers": {"x-vwd-tenant-id": company.tenant},
    });
    let message =
        |number: u32| format!("{good}\n{}", json!({"event": "ACCOUNT_CREATED", "accountCd": number.to_string()}));
    let (first, last) = (message(8001), message(8002));
    // Only a header names the tenant, so the ERP has to confirm them.
    for key in ["8001", "8002"] {
        company.visma.put(Collection::Account, key, json!({})).await.unwrap();
    }
    let entries = [first.as_str(), foreign.as_str(), last.as_str()].into_iter().enumerate().map(entry).collect();
    let url = company.stack.queue_url(Queue::Notifications);
    company.stack.sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await.unwrap();
    until("the neighbours to be processed", async || {
        let records = company.stack.records(&company.tenant).await;
        let done = records.iter().filter(|record| record.key.starts_with("800") && record.state == "processed").count();
        (done == 2).then_some(())
    })
    .await;
    company.stack.message(Queue::NotificationsDeadLetters, |message| message.body() == Some(&foreign)).await;
}

fn accounts(count: u32) -> Vec<Item> {
    (1..=count).map(|n| Item::new("ACCOUNT_UPDATED", &n.to_string())).collect()
}

#[tokio::test]
async fn the_erp_down_and_up_again_delays_the_answer_and_loses_nothing() {
    let company = Company::new(company::ERP_DOWN_AND_UP).await;
    // It is up again by itself: a slow test would end an outage after the last attempt.
    company.visma.set_faults(Endpoint::Resource, &[Fault::status(503), Fault::status(503)]).await.unwrap();
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "1920")).await.unwrap();
    assert!(changed.emitted.all_delivered(), "the acknowledgement does not depend on the ERP");
    let id = changed.emitted.notification_ids[0];
    let record = company.ended(id, "processed", "sent").await;
    assert!(record.attempts >= 1, "{record:?}");
    assert_eq!(company.feedback(id).await.len(), 1);
}

#[tokio::test]
async fn a_notification_that_never_succeeds_is_dead_and_the_accountant_is_told() {
    let company = Company::new(company::ERP_DOWN_FOR_GOOD).await;
    company.visma.set_outage(Endpoint::Resource, Some(Outage::Dropped)).await.unwrap();
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "1920")).await.unwrap();
    let id = changed.emitted.notification_ids[0];
    let record = company.ended(id, "dead: unavailable", "sent").await;
    let receives: usize = company.stack.output("NotificationsMaxReceiveCount").parse().unwrap();
    assert_eq!(record.attempts, receives + 1, "each attempt, and the mark set before the last");
    let feedback = company.feedback(id).await;
    assert_eq!(feedback.len(), 1);
    assert!(!feedback[0].0, "{feedback:?}");
    let of_it =
        |message: &aws_sdk_sqs::types::Message| message.body().is_some_and(|body| body.contains(&id.to_string()));
    company.stack.message(Queue::NotificationsDeadLetters, of_it).await;
}

/// The local stack allows five attempts. In each the ERP refuses a new token.
#[tokio::test]
async fn a_customer_tenant_is_parked_without_a_storm_of_token_requests() {
    let company = Company::new(company::CUSTOMER).await;
    company.visma.set_customer(true).await.unwrap();
    let emitted = company.visma.emit(&Emit { items: accounts(20), sending: Sending::default() }).await.unwrap();
    let id = emitted.notification_ids[0];
    until("the fourth attempt", async || {
        let records = company.stack.records_of(&company.tenant, id).await;
        records.into_iter().find(|record| record.attempts >= 4)
    })
    .await;
    for id in &emitted.notification_ids {
        company.ended(*id, "parked: company_tenant_needed", "").await;
    }
    let tokens = company.visma.calls().await.unwrap().of("token");
    assert!(tokens <= 4 * 7, "{tokens} for a hundred attempts in four processes");
    assert!(company.feedback(id).await.is_empty(), "nobody is told of a failure");
}

/// Runs alone (`.config/nextest.toml`), since all deliveries are refused meanwhile.
#[tokio::test]
async fn while_sqs_refuses_the_answer_is_503_and_the_retry_is_taken() {
    let company = Company::new(company::QUEUE_REFUSED).await;
    let url = company.stack.queue_url(Queue::Notifications);
    let arn = company.stack.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
    let arn = arn.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
    let before = company.stack.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::Policy);
    let before = before.send().await.unwrap().attributes.unwrap_or_default();
    let refuse = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn},
    ]});
    let set = async |policy: String| {
        let set =
            company.stack.sqs.set_queue_attributes().queue_url(url).attributes(QueueAttributeName::Policy, policy);
        set.send().await.unwrap();
    };
    set(refuse.to_string()).await;
    let retry = Retry { attempts: 2, base_ms: 100, max_delay_ms: 100, ..Retry::default() };
    let emit = Emit { items: accounts(1), sending: Sending { retry, ..Sending::default() } };
    let refused = company.visma.emit(&emit).await.unwrap();
    set(before.get(&QueueAttributeName::Policy).cloned().unwrap_or_default()).await;
    assert_eq!(refused.deliveries[0].status(), Some(503));
    let answer = refused.deliveries[0].attempts[0].answer.clone().unwrap_or_default();
    assert!(answer.contains("queue_unavailable"), "{answer}");
    let taken = company.visma.emit(&emit).await.unwrap();
    company.answered(&taken).await;
    assert_eq!(company.stack.records(&company.tenant).await.len(), 1, "what was refused was not taken");
}
