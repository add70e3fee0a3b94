use crate::world::{Parts, is_sqs_text, wait};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fixtures::{FakeQueue, FakeSource, Sent, TestHost};
use intake::{Intake, Limits};
use lambda_http::{Body, Context, LambdaEvent, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::notification::is_name;
use webhooks_model::{Channel, Delivery};
use webhooks_settings::Cache;

/// Route, subscription, secret, and the placeholder in a header's value. An expired secret belongs
/// to no subscription.
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

/// In a header's value, `@a`, `@c`, `@o` and `@e` stand for the signature with that secret. In the
/// path, `@t` stands for the legacy token.
pub fn intake(input: &[u8]) {
    let parts = Parts::of(input);
    let Some(asked) = Asked::of(&parts) else { return };
    let event = serde_json::from_value(asked.event()).expect("no event is an error");
    let queue = FakeQueue::default();
    let answer = wait(receiver(queue.clone()).handle(LambdaEvent::new(event, Context::default())));
    let sent = queue.sent();
    let proven = asked.proven();
    assert!(STATUSES.contains(&answer.status().as_u16()), "{}", answer.status());
    if answer.status() == 202 {
        let (channel, subscription) = proven.expect("let in without a proof");
        let [sent] = sent.as_slice() else { panic!("accepted, and sent {} times", sent.len()) };
        is_exactly_this(sent, channel, subscription, parts.body);
    } else {
        assert_eq!(sent, [], "refused, and sent");
        assert!(!asked.is_genuine(proven), "refused with {}, and genuine", answer.status());
        is_told_why(&asked.method, &answer);
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

/// A request: names in lower case, several values joined.
struct Asked<'a> {
    method: String,
    path: String,
    headers: BTreeMap<&'a str, String>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    fn of(parts: &'a Parts<'a>) -> Option<Self> {
        let (method, path) = parts.line.split_once(' ')?;
        let path = format!("/{}", path.trim_start_matches('/').replace("@t", TOKEN));
        let mut headers = BTreeMap::<&str, String>::new();
        for (name, value) in &parts.headers {
            let genuine = SECRETS.iter().find(|secret| secret.3 == value);
            let value = genuine.map_or_else(|| value.clone(), |secret| standin::sign(secret.2, parts.body));
            headers.entry(name).and_modify(|own| *own = format!("{own},{value}")).or_insert(value);
        }
        Some(Self { method: method.to_owned(), path, headers, body: parts.body })
    }

    /// The event that API Gateway makes of it.
    fn event(&self) -> Value {
        let text = str::from_utf8(self.body).ok();
        json!({
            "version": "2.0", "rawPath": self.path, "rawQueryString": "", "headers": self.headers,
            "requestContext": {
                "domainName": "api.example", "requestId": "1", "stage": "$default",
                "http": {"method": self.method, "path": self.path, "sourceIp": "18.202.121.26"},
            },
            "body": text.map_or_else(|| STANDARD.encode(self.body), str::to_owned), "isBase64Encoded": text.is_none(),
        })
    }

    /// Finds the sender without the code under test.
    fn proven(&self) -> Option<(Channel, &'static str)> {
        let names: Vec<&str> = self.path.split('/').filter(|name| !name.is_empty()).collect();
        let ["hooks", "visma", rest @ ..] = names.as_slice() else { return None };
        match rest {
            _ if self.method != "POST" => None,
            ["legacy", token] => (*token == TOKEN).then_some((Channel::Legacy, "old")),
            [asked] => {
                let given = self.headers.get(SIGNATURE)?.trim();
                let made = |(route, _, secret, _): &&(&str, Option<&str>, &str, &str)| {
                    route == asked && standin::sign(secret, self.body) == given
                };
                Some((Channel::Dispatcher, SECRETS.iter().find(made)?.1?))
            }
            _ => None,
        }
    }

    /// Whether the sender is proven, and no header is a reason to refuse the request.
    fn is_genuine(&self, proven: Option<(Channel, &str)>) -> bool {
        let Some((channel, _)) = proven else { return false };
        let named = self.headers.contains_key("x-vwd-subscription-id");
        let is_json = self.headers.get("content-type").is_none_or(|kind| kind == "application/json");
        let may_be_read = channel == Channel::Dispatcher || is_json;
        !named && may_be_read && !self.headers.contains_key("content-encoding")
    }
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

fn is_told_why(method: &str, answer: &Response<Body>) {
    if method == "HEAD" {
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
