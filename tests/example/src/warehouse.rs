use serde_json::{Value, json};

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
