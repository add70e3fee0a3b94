//! API Gateway: turns HTTP into the event of intake, and the answer back.

use crate::functions::{context, invoke};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use futures::future::BoxFuture;
use intake::Event;
use lambda_http::LambdaEvent;
use serde_json::{Map, Value, json};
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use webhooks_queue::Sender;
use webhooks_settings::Source;

/// The event of a POST to an HTTP API, in payload format 2.0. `headers` must be in lower case.
pub fn event(path: &str, headers: &[(String, String)], body: &str) -> Value {
    let headers: Map<String, Value> =
        headers.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    json!({
        "version": "2.0", "routeKey": "ANY /hooks/{proxy+}", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a1b2c3d4e5", "stage": "$default", "requestId": "JKJaXmPLvHcESHA=",
            "domainName": "a1b2c3d4e5.execute-api.eu-north-1.amazonaws.com", "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "18.202.121.26",
                "userAgent": "Visma-Webhook-Dispatcher",
            },
            "routeKey": "ANY /hooks/{proxy+}", "time": "23/Nov/2026:12:00:01 +0000", "timeEpoch": 1_795_435_201_000_u64,
        },
        "pathParameters": {"proxy": path.trim_start_matches("/hooks/")},
        "body": body, "isBase64Encoded": false,
    })
}

/// A Lambda function, from the event's JSON to the answer's JSON.
pub type Function = Arc<dyn Fn(String) -> BoxFuture<'static, Value> + Send + Sync>;

/// Intake from the event's text to the answer, with the layers of its `main`.
pub fn function<S, Q, H>(intake: Arc<intake::Intake<S, Q, H>>) -> Function
where
    S: Source + 'static,
    Q: Sender + 'static,
    H: webhooks_host::Host + 'static,
{
    Arc::new(move |text| {
        let intake = intake.clone();
        Box::pin(async move {
            let event: Event = serde_json::from_str(&text).expect("no event is an error");
            let answer = invoke(intake.handle(LambdaEvent::new(event, context()))).await;
            serde_json::to_value(intake::answer(answer)).expect("an answer is JSON")
        })
    })
}

/// An HTTP API with one function behind it, on a port of 127.0.0.1. Stops when dropped.
pub struct Gateway {
    url: String,
    task: JoinHandle<()>,
}

impl Gateway {
    /// # Errors
    /// There is no free port.
    pub async fn start(function: Function) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(respond).with_state(function);
        let task = tokio::spawn(async {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!("{error}");
            }
        });
        Ok(Self { url, task })
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn respond(State(function): State<Function>, uri: Uri, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let answer = function(event(uri.path(), &headers, &String::from_utf8_lossy(&body)).to_string()).await;
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, answer["body"].as_str().unwrap_or_default().to_owned())
}
