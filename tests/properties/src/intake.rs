use crate::request::Parts;
use crate::world::{is_sqs_text, wait};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fixtures::{FakeQueue, FakeSource, Sent, TestHost};
use intake::{Intake, Limits, without_url_parts};
use lambda_http::http::{HeaderMap, Method, header};
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Context, LambdaEvent, Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::notification::is_name;
use webhooks_model::{Channel, Delivery};
use webhooks_settings::Cache;

/// Route, subscription, secret, and what a header's value stands for it; an expired one is of no subscription.
const SECRETS: [(&str, Option<&str>, &str, &str); 4] = [
    ("erp", Some("accounts"), "the accounts' secret", "@a"),
    ("erp", Some("customers"), "the customers' secret", "@c"),
    ("sales", Some("orders"), "the orders' secret", "@o"),
    ("erp", None, "the expired secret", "@e"),
];
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const TENANT: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a001";
const SIGNATURE: &str = "x-vwd-signature-v1";
const STATUSES: [u16; 8] = [200, 202, 401, 403, 404, 405, 413, 415];

/// `@a`, `@c`, `@o` and `@e` as a header's value are the right signature by that secret, `@t` in the path is the legacy token.
pub fn intake(input: &[u8]) {
    let parts = Parts::of(input);
    let Some(request) = request(&parts) else { return };
    let (method, path, headers) =
        (request.method().clone(), request.uri().path().to_owned(), request.headers().clone());
    let queue = FakeQueue::default();
    let answer = wait(receiver(queue.clone()).handle(request));
    let sent = queue.sent();
    let proven = proven(&method, &path, &headers, parts.body);
    assert!(STATUSES.contains(&answer.status().as_u16()), "{}", answer.status());
    if answer.status() == 202 {
        let (channel, subscription) = proven.expect("let in without a proof");
        let [sent] = sent.as_slice() else { panic!("accepted, and sent {} times", sent.len()) };
        is_exactly_this(sent, channel, subscription, parts.body);
    } else {
        assert_eq!(sent, [], "refused, and sent");
        assert!(!is_genuine(&path, &headers, proven), "refused with {}, and genuine", answer.status());
        is_told_why(&method, &answer);
    }
}

fn receiver(queue: FakeQueue) -> Intake<FakeSource, FakeQueue, TestHost> {
    let secret = |at: usize| json!({"id": at.to_string(), "value": SECRETS[at].2});
    let expired = json!({"id": "3", "value": SECRETS[3].2, "expires_at": "2026-11-23T11:59:59Z"});
    let document = json!({
        "version": 1,
        "visma": {
            "connect_url": "https://connect.example", "erp_url": "https://erp.example", "sales_order_url": "https://orders.example",
            "client_id": "client", "client_secret": "client secret", "scope": "read create",
        },
        "subscriptions": [
            {"id": "accounts", "route": "erp", "event": "ACCOUNT_CHANGED", "secrets": [expired, secret(0)]},
            {"id": "customers", "route": "erp", "secrets": [secret(1)]},
            {"id": "orders", "route": "sales", "secrets": [secret(2)], "tenants": [TENANT]},
            {"id": "old", "route": "legacy", "channel": "legacy", "path_token": TOKEN},
        ],
        "source_ips": {"policy": "off"},
    });
    let host = TestHost::default();
    let metrics = Metrics::new(Service::Intake, host.clone(), Emitted::default());
    Intake::new(Cache::new(FakeSource::new(document), host.clone()), queue, host, metrics, Limits::default())
}

/// As API Gateway hands it over: names in lower case, several values joined. `None` for what no HTTP server would let pass.
fn request(parts: &Parts<'_>) -> Option<Request> {
    let (method, path) = parts.line.split_once(' ')?;
    let path = format!("/{}", path.trim_start_matches('/').replace("@t", TOKEN));
    let mut headers = BTreeMap::<&str, String>::new();
    for (name, value) in &parts.headers {
        let genuine = SECRETS.iter().find(|secret| secret.3 == value).map(|secret| standin::sign(secret.2, parts.body));
        let value = genuine.unwrap_or_else(|| value.clone());
        headers.entry(name).and_modify(|own| *own = format!("{own},{value}")).or_insert(value);
    }
    let text = str::from_utf8(parts.body).ok();
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "domainName": "api.example", "requestId": "1", "stage": "$default",
            "http": {"method": method, "path": path, "sourceIp": "18.202.121.26"},
        },
        "body": text.map_or_else(|| STANDARD.encode(parts.body), str::to_owned), "isBase64Encoded": text.is_none(),
    });
    let payload: LambdaRequest = serde_json::from_value(event).ok()?;
    Some(without_url_parts(LambdaEvent::new(payload, Context::default())).payload.into())
}

/// Who it is from, found out without the code under test.
fn proven(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Option<(Channel, &'static str)> {
    let rest = path.strip_prefix("/hooks/visma/").filter(|_| method == Method::POST)?;
    if rest.strip_prefix("legacy/") == Some(TOKEN) {
        return Some((Channel::Legacy, "old"));
    }
    let given = headers.get(SIGNATURE)?.to_str().ok()?.trim();
    let made = |(route, _, secret, _): &&(&str, Option<&str>, &str, &str)| {
        *route == rest && standin::sign(secret, body) == given
    };
    Some((Channel::Dispatcher, SECRETS.iter().find(made)?.1?))
}

/// Proven, and with no header that could be a reason to refuse it.
fn is_genuine(path: &str, headers: &HeaderMap, proven: Option<(Channel, &str)>) -> bool {
    let named = headers.get("x-vwd-subscription-id").is_some();
    let is_json = headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind == "application/json");
    proven.is_some() && !named && is_json && !headers.contains_key(header::CONTENT_ENCODING) && path.is_ascii()
}

fn is_exactly_this(sent: &Sent, channel: Channel, subscription: &str, body: &[u8]) {
    assert!(is_sqs_text(&sent.body));
    assert!(sent.group.as_deref().is_some_and(is_name), "{:?}", sent.group);
    let delivery = Delivery::from_message(&sent.body).expect("our own message");
    assert_eq!(delivery.body, body);
    assert_eq!((delivery.meta.channel, delivery.meta.subscription.as_str()), (channel, subscription));
    let tenant = (subscription == "orders").then_some(TENANT);
    let event = (subscription == "accounts").then_some("ACCOUNT_CHANGED");
    assert_eq!((delivery.meta.tenant.as_deref(), delivery.meta.event.as_deref()), (tenant, event));
    for dropped in ["authorization", "cookie", "host", "x-forwarded-for", "x-api-key", "proxy-authorization"] {
        assert_eq!(delivery.header(dropped), None);
    }
}

fn is_told_why(method: &Method, answer: &Response<Body>) {
    if method == Method::HEAD {
        return assert!(answer.body().is_empty());
    }
    let told: Value = serde_json::from_slice(answer.body()).expect("JSON");
    if answer.status().is_success() {
        return assert_eq!(told, json!({"status": "ok"}));
    }
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(told["status"], answer.status().as_u16());
    assert!(told["code"].is_string() && told["detail"].is_string(), "{told}");
}
