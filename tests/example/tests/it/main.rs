//! The handler, called like by the processor. tests/end-to-end tests the consumer between the real
//! queues.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use example::CreditLimit;
use fixtures::{TENANT, TestHost, meta, notification_of};
use processor::Handler;
use serde_json::{Value, json};
use webhooks_model::delivery::Meta;
use webhooks_model::{Clock, Resource, Zone};

/// The text that the accountant reads about a changed customer; `None` is the standard text.
async fn said_of(customer: Value) -> Option<(bool, String)> {
    let body = json!({"event": "CUSTOMER_CHANGED", "entityId": "10001"}).to_string();
    let meta = Meta { tenant: Some(TENANT.to_owned()), ..meta(TestHost::START) };
    let notification = notification_of(meta, &body);
    let resource = Resource::parse(&customer.to_string(), &Clock::new(Zone::UTC, TestHost::START)).unwrap();
    let verdict = CreditLimit.handle(&notification, Some(&resource)).await.unwrap()?;
    Some((verdict.is_success, verdict.description.as_str().to_owned()))
}

#[tokio::test]
async fn warns_the_accountant_of_a_customer_without_a_credit_limit() {
    let (is_success, sentence) = said_of(json!({"number": "10001"})).await.unwrap();
    assert!(!is_success && sentence.contains("no credit limit"), "{sentence}");
}

#[tokio::test]
async fn keeps_the_standard_text_for_a_customer_with_a_credit_limit() {
    assert_eq!(said_of(json!({"number": "10001", "creditLimit": {"value": 5000.0}})).await, None);
}
