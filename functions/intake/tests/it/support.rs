//! The receiver with settings, a queue and a clock that the test controls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fixtures::{FakeQueue, FakeSource, TestHost};
pub(crate) use fixtures::{Mood, TENANT};
use intake::{Event, Intake, Limits};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Context, LambdaEvent, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_settings::Cache;
use webhooks_signature::Signature;

pub(crate) const ACCOUNTS_SECRET: &str = "test-secret";
pub(crate) const OTHER_SECRET: &str = "another-secret";
pub(crate) const TOKEN: &str = "CANARY-path-token-0123456789-abcdef";
pub(crate) const START: OffsetDateTime = TestHost::START;

pub(crate) struct World {
    pub(crate) settings: FakeSource,
    pub(crate) queue: FakeQueue,
    pub(crate) clock: TestHost,
    pub(crate) emitted: Emitted,
    intake: Intake<FakeSource, FakeQueue, TestHost>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&settings())
    }

    pub(crate) fn with(settings: &Value) -> Self {
        Self::with_limits(settings, Limits::default())
    }

    pub(crate) fn with_limits(settings: &Value, limits: Limits) -> Self {
        let settings = FakeSource::new(settings.clone());
        let (queue, clock, emitted) = (FakeQueue::default(), TestHost::default(), Emitted::default());
        let metrics = Metrics::new(Service::Intake, clock.clone(), emitted.clone());
        let cache = Cache::new(settings.clone(), clock.clone());
        let intake = Intake::new(cache, queue.clone(), clock.clone(), metrics, limits);
        Self { settings, queue, clock, emitted, intake }
    }

    /// Passes these bytes like the runtime.
    pub(crate) async fn handle(&self, event: impl AsRef<[u8]>) -> Answer {
        self.handle_in(Context::default(), event).await
    }

    pub(crate) async fn handle_in(&self, context: Context, event: impl AsRef<[u8]>) -> Answer {
        let mut json = serde_json::Deserializer::from_slice(event.as_ref());
        let event = Event::deserialize(&mut json).expect("no event is an error");
        Answer::of(self.intake.handle(LambdaEvent::new(event, context)).await)
    }

    pub(crate) async fn post(&self, call: Call) -> Answer {
        self.handle(call.event().to_string()).await
    }

    /// Expects a refusal with this status and code, and nothing on the queue.
    pub(crate) async fn refuses(&self, call: Call, status: u16, code: &str) -> Answer {
        let before = self.queue.sent().len();
        let answer = self.post(call).await;
        answer.is_problem(status, code);
        assert_eq!(self.queue.sent().len(), before, "refused, yet sent");
        answer
    }

    pub(crate) async fn accepts(&self, call: Call) -> Answer {
        let before = self.queue.sent().len();
        let answer = self.post(call).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.json);
        assert_eq!(self.queue.sent().len(), before + 1, "accepted, yet not sent once");
        answer
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    fn of(response: Response<Body>) -> Self {
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers: BTreeMap<_, _> = headers.collect();
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status: response.status(), headers, text, json }
    }

    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.json["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["type"], "about:blank");
        assert_eq!(self.json["title"], self.status.canonical_reason().unwrap());
        assert!(self.json["detail"].is_string());
        assert_eq!(self.headers.get("retry-after").map(String::as_str), (status == 503).then_some("5"));
    }
}

/// Builds a request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    source_ip: String,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let source_ip = "18.202.121.26".to_owned();
        Self { method: method.to_owned(), path: path.to_owned(), headers: vec![], body: vec![], source_ip }
    }

    /// A signed delivery to the route `erp`.
    pub(crate) fn signed(secret: &str, body: &[u8]) -> Self {
        let call = Self::new("POST", "/hooks/visma/erp").body(body);
        call.header("content-type", "application/json").header("x-vwd-signature-v1", &sign(secret, body))
    }

    pub(crate) fn legacy(token: &str, body: &[u8]) -> Self {
        let call = Self::new("POST", &format!("/hooks/visma/legacy/{token}")).body(body);
        call.header("content-type", "application/json")
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    /// Replaces the header if it exists.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn source_ip(mut self, address: &str) -> Self {
        self.source_ip = address.to_owned();
        self
    }

    /// The event of API Gateway.
    pub(crate) fn event(&self) -> Value {
        let text = std::str::from_utf8(&self.body).ok();
        let headers: BTreeMap<_, _> = self.headers.iter().cloned().collect();
        json!({
            "version": "2.0", "routeKey": "ANY /hooks/{proxy+}", "rawPath": self.path, "rawQueryString": "",
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api", "domainName": "api.example", "requestId": "1", "stage": "$default",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": self.source_ip},
                "time": "23/Nov/2026:12:00:00 +0000", "timeEpoch": 1_795_435_200_000_i64,
            },
            "body": text.map_or_else(|| STANDARD.encode(&self.body), str::to_owned),
            "isBase64Encoded": text.is_none(),
        })
    }
}

pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    Signature::sign(secret, body).to_string()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Two dispatcher subscriptions of the route `erp`, one of `sales` for one tenant, and a legacy
/// one.
pub(crate) fn settings() -> Value {
    json!({
        "version": 1,
        "visma": {
            "connect_url": "https://connect.visma.com", "erp_url": "https://api.finance.visma.net",
            "sales_order_url": "https://salesorder.visma.net", "client_id": "c", "client_secret": "CANARY-client-secret", "scope": "s",
        },
        "subscriptions": [
            {"id": "accounts", "route": "erp", "event": "ACCOUNT_CHANGED", "secrets": [secret("2026", ACCOUNTS_SECRET)]},
            {"id": "customers", "route": "erp", "event": "CUSTOMER_CHANGED", "secrets": [secret("2026", OTHER_SECRET)]},
            {"id": "orders", "route": "sales", "secrets": [secret("2026", "sales-secret")], "tenants": [TENANT.to_uppercase()]},
            {"id": "old", "route": "legacy", "channel": "legacy", "path_token": "0123456789-0123456789-0123456789-first"},
            {"id": "older", "route": "legacy", "channel": "legacy", "path_token": TOKEN},
        ],
        "source_ips": {"policy": "off"},
    })
}

pub(crate) fn secret(id: &str, value: &str) -> Value {
    json!({"id": id, "value": value})
}

/// The settings with other secrets for the subscription `accounts`.
pub(crate) fn settings_with_secrets(secrets: Value) -> Value {
    let mut settings = settings();
    settings["subscriptions"][0]["secrets"] = secrets;
    settings
}
