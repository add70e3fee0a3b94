//! Deliveries of any size, in the form of Visma Net.

use fixtures::{TENANT, TestHost};
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks_model::delivery::Meta;
use webhooks_signature::Signature;

pub const SECRET: &str = "signing-secret";
/// Names the subscription that sends, so that only its secrets are tried.
pub const SUBSCRIPTION_HEADER: &str = "x-vwd-subscription-id";
const SUBSCRIPTION: &str = "all";

/// The ERP's answer about an account, with the fields that matter here
/// (docs/visma-net.md#resources).
pub const ACCOUNT: &str = r#"{"accountID": 1002, "accountCD": "1920", "type": "Asset", "active": true, "description": "Bank",
    "lastModifiedDateTime": "2026-11-23T11:59:00.0", "accountClass": "BANK", "currency": "NOK", "postOption": "Summary",
    "timeStamp": "AAAAAAAB4kA="}"#;

/// A change of an account, padded with lines of JSON to `length` bytes.
///
/// # Panics
/// It is shorter than a notification.
pub fn of_length(length: usize) -> Vec<u8> {
    of_account(1920, length)
}

/// The same for the given account.
///
/// # Panics
/// It is shorter than a notification.
pub fn of_account(account: usize, length: usize) -> Vec<u8> {
    let mut body = format!(
        r#"{{"notificationId":"00000000-0000-4000-8000-{account:012}","contextId":"1234567","event":"ACCOUNT_CHANGED","relativeResourceUri":"api/v1/account/{account}","source":"User","timeStamp":639311481152810028,"lines":["#
    );
    const LINE: &str = r#"{"account":"1920","text":"Bank","amount":1250.50},"#;
    let end = r#"""]}"#;
    assert!(body.len() + end.len() <= length, "a notification is longer than {length} bytes");
    while body.len() + LINE.len() + end.len() <= length {
        body.push_str(LINE);
    }
    let rest = length - body.len() - end.len();
    body.push_str(&format!("\"{}\"]}}", "x".repeat(rest)));
    body.into_bytes()
}

/// The dispatcher's headers, with the signature of this body.
pub fn headers(body: &[u8], tenant: &str) -> Vec<(String, String)> {
    let signature = Signature::sign(SECRET, body).to_string();
    [
        ("accept", "*/*"),
        ("content-length", &body.len().to_string()),
        ("content-type", "application/json; charset=utf-8"),
        ("host", "a1b2c3d4e5.execute-api.eu-north-1.amazonaws.com"),
        ("user-agent", "Visma-Webhook-Dispatcher"),
        ("x-amzn-trace-id", "Root=1-6744c3e0-0a1b2c3d4e5f60718293a4b5"),
        ("x-forwarded-for", "18.202.121.26"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
        ("x-vwd-application-id", "vismanetfinancials-publisher"),
        ("x-vwd-application-version", "1"),
        ("x-vwd-event-id", "ACCOUNT_CHANGED"),
        ("x-vwd-group-id", "g-1"),
        ("x-vwd-notification-id", "0d9c4f3e-5b0a-4c57-9f41-2f1c1f0a7b10"),
        ("x-vwd-notification-timestamp", "1795435200000"),
        ("x-vwd-signature-v1", &signature),
        (SUBSCRIPTION_HEADER, SUBSCRIPTION),
        ("x-vwd-tenant-id", tenant),
        ("x-vwd-webhook-timestamp", "1795435201000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Settings with the sender's subscription.
pub fn settings() -> Value {
    let mut document = fixtures::document();
    document["subscriptions"] =
        json!([{ "id": SUBSCRIPTION, "route": "erp", "secrets": [{ "id": "1", "value": SECRET }] }]);
    document
}

/// A delivery about this account with a body of this many bytes, as intake queues it.
///
/// # Panics
/// It is shorter than a notification.
pub fn message(account: usize, length: usize) -> String {
    message_of(account, &of_account(account, length))
}

/// A delivery with this body and an id made from this number, as intake queues it.
pub fn message_of(number: usize, body: &[u8]) -> String {
    let is_kept = |(name, _): &(String, String)| name.starts_with("x-vwd-");
    let meta = Meta {
        id: Uuid::from_u128(number as u128),
        subscription: SUBSCRIPTION.to_owned(),
        tenant: Some(TENANT.to_owned()),
        headers: headers(body, TENANT).into_iter().filter(is_kept).collect(),
        ..fixtures::meta(TestHost::START)
    };
    meta.to_message(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_json_of_the_requested_length() {
        for length in [300, 1024, 4096, 1_032_192] {
            let body = of_length(length);
            assert_eq!(body.len(), length);
            assert!(serde_json::from_slice::<Value>(&body).is_ok());
        }
    }
}
