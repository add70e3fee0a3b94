//! The handler as the processor calls it. The consumer is tested between the real queues, in tests/end-to-end.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use example::CreditLimit;
use fixtures::TestHost;
use processor::Handler;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use webhooks_host::Host;
use webhooks_model::delivery::Meta;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Clock, Delivery, Notification, Origin, Resource, Zone};

/// What the accountant reads about a changed customer; `None` is the standard sentence.
async fn said_of(customer: Value) -> Option<(bool, String)> {
    let host = TestHost::default();
    let (channel, origin, subscription) = (Channel::Dispatcher, Origin::Webhook, "all".to_owned());
    let (event, tenant, headers) = (None, Some(fixtures::TENANT.to_owned()), BTreeMap::new());
    let (id, received_at) = (host.new_id(), host.now());
    let body = json!({"event": "CUSTOMER_CHANGED", "entityId": "10001"}).to_string();
    let meta = Meta {
        id,
        channel,
        origin,
        subscription,
        event,
        tenant,
        received_at,
        shared_secret: false,
        replays: None,
        answer_role: Default::default(),
        sent_from: None,
        refused_at: None,
        secret: None,
        headers,
    };
    let delivery = Delivery { meta, body: body.clone().into_bytes() };
    let notification = Notification::read(&delivery, &body, &NoDirectory);
    let resource = Resource::parse(&customer.to_string(), &Clock::new(Zone::UTC, received_at)).unwrap();
    let verdict = CreditLimit.handle(&notification, Some(&resource)).await.unwrap()?;
    Some((verdict.is_success, verdict.description.as_str().to_owned()))
}

#[tokio::test]
async fn a_customer_without_a_credit_limit_is_told_to_the_accountant() {
    let (is_success, sentence) = said_of(json!({"number": "10001"})).await.unwrap();
    assert!(!is_success && sentence.contains("no credit limit"), "{sentence}");
}

#[tokio::test]
async fn a_customer_with_a_credit_limit_needs_no_words() {
    assert_eq!(said_of(json!({"number": "10001", "creditLimit": {"value": 5000.0}})).await, None);
}
