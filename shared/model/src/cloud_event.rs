//! The event published for consumers: CloudEvents 1.0, structured JSON.

use crate::catalogue::{Entity, Kind, NotificationType};
use crate::delivery::Origin;
use crate::feedback::FeedbackMode;
use crate::identity::SenderId;
use crate::ledger::LedgerKey;
use crate::notification::{Notification, Proof};
use crate::resource::Resource;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

/// SQS accepts 1 MiB, and so does EventBridge, which also counts the event's source and type. A
/// resource that would not fit is left out, and the event says so.
const MAX_MESSAGE: usize = 1_044_480;

#[derive(Debug, Serialize)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    /// The notification's key. It is the same for each repetition, so consumers can use it for
    /// idempotency.
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    /// The entity's key, or the tenant for the company as a whole. CloudEvents allows no empty
    /// subject, and AWS does not say what a pipe writes for a missing one.
    subject: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    time: OffsetDateTime,
    datacontenttype: &'static str,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    /// An outcome must repeat it.
    notification: LedgerKey,
    event: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    notification_type: Option<NotificationType>,
    entity: Entity,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    origin: Origin,
    proof: Proof,
    feedback: FeedbackMode,
    /// The resource as the ERP returned it; null if it was not fetched or is gone.
    resource: Option<&'a RawValue>,
    resource_omitted: bool,
}

impl<'a> CloudEvent<'a> {
    pub fn new(
        n: &'a Notification,
        resource: Option<&'a Resource>,
        status: Option<&'a str>,
        feedback: FeedbackMode,
    ) -> Self {
        let tenant = n.tenant.as_deref().unwrap_or_default();
        Self {
            specversion: "1.0",
            id: n.key.as_str(),
            source: format!("/visma-net/tenants/{tenant}"),
            event_type: format!("net.visma.{}.{}", n.entity, n.kind),
            subject: n.entity_key.as_deref().unwrap_or(tenant),
            time: n.occurred_at.map_or(n.received_at, |at| at.to_datetime()),
            datacontenttype: "application/json",
            data: Data {
                notification: n.ledger_key(),
                event: n.event_name(),
                notification_type: n.notification_type(),
                entity: n.entity,
                kind: n.kind,
                key: n.entity_key.as_deref(),
                previous_key: n.previous_key.as_deref(),
                detail: resource.and_then(|resource| resource.detail(n.entity)),
                company: n.company.as_deref(),
                notification_id: n.sender_id().and_then(SenderId::uuid),
                source: n.source.as_deref(),
                status,
                parameter: n.parameter.as_deref(),
                origin: n.origin,
                proof: n.proof,
                feedback,
                resource: resource.map(Resource::json),
                resource_omitted: false,
            },
        }
    }

    /// The queue message.
    pub fn into_message(mut self) -> String {
        let message = self.to_json();
        if message.len() <= MAX_MESSAGE || self.data.resource.is_none() {
            return message;
        }
        self.data.resource = None;
        self.data.resource_omitted = true;
        self.to_json()
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings, ids, times and JSON always serialise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;
    use crate::notification::NoDirectory;
    use serde_json::{Value, json};

    const CHANGED: &[u8] = br#"{"event":"INVENTORY_ITEM_CHANGED","number":"7"}"#;

    fn event(body: &[u8], resource: &str) -> Value {
        let mut delivery = delivery(body);
        delivery.meta.headers.insert("x-vwd-tenant-id".into(), "t-1".into());
        let n = Notification::read(&delivery, delivery.items().unwrap()[0], &NoDirectory);
        let clock = crate::clock::Clock::new(crate::zone::Zone::UTC, n.received_at);
        let resource = Resource::parse(resource, &clock).unwrap();
        let message = CloudEvent::new(&n, Some(&resource), None, FeedbackMode::Automatic).into_message();
        assert!(message.len() <= MAX_MESSAGE);
        serde_json::from_str(&message).unwrap()
    }

    #[test]
    fn has_the_attributes_that_cloudevents_requires() {
        let event = event(CHANGED, r#"{"stockItem":false}"#);
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "net.visma.inventory_item.changed");
        assert_eq!(event["source"], "/visma-net/tenants/t-1");
        assert_eq!(event["subject"], "7");
        assert_eq!(event["time"], "2026-11-23T12:00:00Z");
        assert_eq!(event["id"], event["data"]["notification"]["id"]);
        assert_eq!(event["data"]["detail"], "non_stock_item");
        assert_eq!(event["data"]["resource"], json!({"stockItem": false}));
    }

    #[test]
    fn an_event_about_the_company_has_the_tenant_for_its_subject() {
        let event = event(br#"{"event":"FIRST_TIME_STARTUP_COMPLETED"}"#, "{}");
        assert_eq!((&event["type"], &event["subject"]), (&json!("net.visma.company.completed"), &json!("t-1")));
        assert_eq!(event["data"].get("key"), None);
    }

    #[test]
    fn leaves_out_a_resource_too_big_for_the_queue_and_says_so() {
        let event = event(CHANGED, &json!({"note": "x".repeat(MAX_MESSAGE)}).to_string());
        assert_eq!((&event["data"]["resource"], &event["data"]["resource_omitted"]), (&Value::Null, &json!(true)));
    }
}
