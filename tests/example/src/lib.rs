#![doc = include_str!("../README.md")]

use processor::{Handler, HandlerError};
use serde_json::{Value, json};
use webhooks_model::feedback::Verdict;
use webhooks_model::{Entity, Notification, Resource};

pub struct CreditLimit;

impl Handler for CreditLimit {
    async fn handle(&self, n: &Notification, resource: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        let (Entity::Customer, Some(resource)) = (n.entity, resource) else { return Ok(None) };
        let customer: Value = serde_json::from_str(resource.json().get())
            .map_err(|error| HandlerError::NeedsPerson(format!("the customer cannot be read: {error}")))?;
        Ok(match customer["creditLimit"]["value"].as_f64() {
            Some(_) => None,
            None => Some(Verdict::failure("The customer has no credit limit, so the shop will not sell on account.")),
        })
    }
}

/// The warehouse's answer to a CloudEvent of the events queue, as a message for the feedback queue.
/// `None` for other events.
pub fn outcome(event: &Value) -> Option<Value> {
    if event["type"] != "net.visma.purchase_order.action" {
        return None;
    }
    let is_success = event["data"]["resource"]["status"] != "Closed";
    let description = if is_success { "The warehouse has taken the order." } else { "The order is closed." };
    let notification = &event["data"]["notification"];
    Some(json!({"type": "outcome", "notification": notification, "is_success": is_success, "description": description}))
}
