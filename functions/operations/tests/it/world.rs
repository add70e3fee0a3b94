use axum::body::Bytes;
use fixtures::{FakeQueue, TENANT, TestHost, TestTable};
use lambda_http::http::StatusCode;
use lambda_http::http::response::Parts;
use lambda_http::{Context, IntoResponse, LambdaEvent, Request, RequestExt};
use operations::{
    Authorizer, Console, Elsewhere, Event, Operations, Ports, Roles, router, with_console, with_sound_url,
};
use serde::Deserialize;
use serde_json::{Value, json};
use time::Duration;
use tower::ServiceExt;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Notification, QueueName, State};
use webhooks_store::{Answering, Change, Dynamo, Entry};

/// The id of each invocation.
pub(crate) const REQUEST_ID: &str = "5f0c8f0a-invocation";

struct Fakes;

impl Ports for Fakes {
    type Items = Dynamo;
    type Queue = FakeQueue;
    type Host = TestHost;
}

pub(crate) struct World {
    pub(crate) table: TestTable,
    pub(crate) host: TestHost,
    pub(crate) notifications: FakeQueue,
    pub(crate) feedback: FakeQueue,
    pub(crate) repairs: FakeQueue,
    pub(crate) dead_letters: Vec<(QueueName, FakeQueue)>,
    router: axum::Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: lambda_http::http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    fn of((parts, bytes): (Parts, Bytes)) -> Self {
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Self { status: parts.status, headers: parts.headers, body, text }
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn items(&self, field: &str) -> Vec<String> {
        let items = self.body["items"].as_array().into_iter().flatten();
        items.map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Authorizer::Jwt).await
    }

    pub(crate) async fn with(authorizer: Authorizer) -> Self {
        let (table, host) = (TestTable::new().await, TestHost::default());
        let (notifications, feedback, repairs) = (FakeQueue::default(), FakeQueue::default(), FakeQueue::default());
        let dead_letters: Vec<_> = QueueName::ALL.into_iter().map(|name| (name, FakeQueue::default())).collect();
        let operations = Operations::<Fakes> {
            store: table.table.clone(),
            notifications: notifications.clone(),
            feedback: feedback.clone(),
            repairs: repairs.clone(),
            dead_letters: dead_letters.clone(),
            host: host.clone(),
            roles: Roles { authorizer, claims: vec!["scope".into(), "roles".into()], prefix: "visma-webhooks/".into() },
        };
        let console = (authorizer == Authorizer::Jwt).then(console);
        let router = with_console(router(operations), console);
        Self { router, table, host, notifications, feedback, repairs, dead_letters }
    }

    /// A request as API Gateway sends it, accepted by `authorizer`.
    pub(crate) async fn ask(&self, method: &str, url: &str, authorizer: Value, body: Option<Value>) -> Answer {
        self.send(method, url, json!({"host": "api.example"}), authorizer, body).await
    }

    /// A request without an authoriser, with these headers.
    pub(crate) async fn ask_with(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, url, headers.iter().copied().collect(), Value::Null, None).await
    }

    /// A reader's request with `If-None-Match: tag`.
    pub(crate) async fn get_knowing(&self, url: &str, tag: &str) -> Answer {
        let headers = json!({"host": "api.example", "if-none-match": tag});
        self.send("GET", url, headers, token("visma-webhooks/read"), None).await
    }

    async fn send(&self, method: &str, url: &str, headers: Value, authorizer: Value, body: Option<Value>) -> Answer {
        Answer::of(self.hand_over(method, url, headers, authorizer, body.map(|body| body.to_string())).await)
    }

    /// The answer to an event in JSON. Like the runtime, it ignores what follows the event.
    pub(crate) async fn event(&self, json: &[u8]) -> Answer {
        let event = Event::deserialize(&mut serde_json::Deserializer::from_slice(json));
        Answer::of(self.invoke(event.expect("no event ends the invocation")).await)
    }

    /// Makes an event from a request, as API Gateway does. Only text bodies: others would need
    /// Base64.
    pub(crate) async fn hand_over(
        &self,
        method: &str,
        url: &str,
        headers: Value,
        authorizer: Value,
        body: Option<String>,
    ) -> (Parts, Bytes) {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": {
                "domainName": "api.example", "stage": "$default", "http": {"method": method, "path": path}, "authorizer": authorizer,
            },
            "body": body, "isBase64Encoded": false,
        });
        if event["requestContext"]["authorizer"].is_null() {
            event["requestContext"].as_object_mut().unwrap().remove("authorizer");
        }
        self.invoke(serde_json::from_value(event).expect("no event ends the invocation")).await
    }

    async fn invoke(&self, payload: Event) -> (Parts, Bytes) {
        let mut context = Context::default();
        context.request_id = REQUEST_ID.to_owned();
        let LambdaEvent { payload, context } = with_sound_url(LambdaEvent::new(payload, context));
        let request = Request::from(payload).with_lambda_context(context);
        let response = self.router.clone().oneshot(request.map(axum::body::Body::new)).await.unwrap();
        let (parts, body) = operations::Answer(response).into_response().await.into_parts();
        (parts, body.to_vec().into())
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, token("visma-webhooks/read visma-webhooks/raw"), None).await
    }

    pub(crate) async fn repair(&self, method: &str, url: &str, body: Value) -> Answer {
        self.ask(method, url, token("visma-webhooks/repair visma-webhooks/read"), Some(body)).await
    }

    /// Records sales order SO/{number}, received `age` ago, with `change`.
    pub(crate) async fn order(&self, number: u128, age: Duration, change: Change) -> Notification {
        let n = Notification { received_at: self.host.now() - age, ..order(number) };
        let entry = Entry { notification: &n, change, now: self.host.now() };
        assert!(self.table.table.record(&entry).await.unwrap());
        n
    }

    /// The dead-letter queue with this name.
    pub(crate) fn dead(&self, name: QueueName) -> &FakeQueue {
        &self.dead_letters.iter().find(|(own, _)| *own == name).expect("every queue has some").1
    }

    /// The reference of the only notification of sales order SO/{number}.
    pub(crate) async fn reference(&self, number: u128) -> String {
        let url = format!("/operations/v1/entities?tenant={TENANT}&entity=sales_order&key=SO%2F{number}");
        self.get(&url).await.body["notifications"][0]["ref"].as_str().expect("a reference").to_owned()
    }
}

fn console() -> Console {
    Console {
        issuer: "https://issuer.example/pool".into(),
        client_id: "people".into(),
        scope: "openid".into(),
        role_claims: vec!["scope".into()],
        role_prefix: "visma-webhooks/".into(),
        token_origin: "https://tokens.example".into(),
        aws: Elsewhere::new("aws", "eu-north-1", "/aws/lambda/webhooks-intake"),
    }
}

pub(crate) fn token(roles: &str) -> Value {
    json!({"jwt": {"claims": {"sub": "op-1", "scope": roles}, "scopes": null}})
}

pub(crate) fn order(number: u128) -> Notification {
    fixtures::order(number, TestHost::START)
}

pub(crate) fn processed(feedback: FeedbackState) -> Change {
    let verdict = (feedback != FeedbackState::Awaited).then(|| Verdict::success("Done."));
    let address = Address { ids: vec![Uuid::from_u128(1)], source: None };
    Change::Ended { state: State::Processed, answer: Answering { feedback, address, verdict, deadline: None } }
}
