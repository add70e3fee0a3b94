//! The server with its single address. It answers for Secrets Manager itself.

use crate::calls::{Calls, Operation, Service, Tally};
use crate::sqs::Queues;
use crate::{dynamo, sqs};
use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An accepted TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// The time of the accept, counted from the start of the endpoint.
    pub opened: Duration,
    /// The service of its first request; `None` before it.
    pub service: Option<Service>,
    pub requests: u64,
}

/// The answer to one request, and its cost.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) tally: Tally,
    /// The error's code in SQS's older protocol, which clients still check.
    pub(crate) query_code: Option<&'static str>,
}

impl Answer {
    pub(crate) fn done(body: String, tally: Tally) -> Self {
        Self { status: 200, body, tally, query_code: None }
    }

    pub(crate) fn refused(code: &str, message: &str) -> Self {
        let body = json!({"__type": code, "message": message}).to_string();
        Self { status: 400, body, tally: Tally { refused: 1, ..Tally::default() }, query_code: None }
    }
}

/// Called for each call with the access key of its signature, the operation, and the request's
/// body.
pub(crate) type Watcher = Box<dyn Fn(&str, &Operation, &[u8]) + Send>;

pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) started: Instant,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) settings: String,
    pub(crate) queues: Queues,
    pub(crate) calls: Calls,
    pub(crate) latency: BTreeMap<Service, Duration>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) watcher: Option<Watcher>,
}

impl World {
    pub(crate) fn new(database: Database, state: State) -> Self {
        Self { database, started: Instant::now(), state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it is held")
    }

    fn answer(&self, operation: &Operation, body: &[u8]) -> Answer {
        let name = operation.name.as_str();
        match operation.service {
            Service::DynamoDb => dynamo::answer(&self.database, name, body),
            Service::Sqs => sqs::answer(name, body, &mut self.state().queues),
            Service::SecretsManager => settings_answer(name, body, &self.state().settings),
        }
    }

    /// Records a connection and returns its index.
    fn opened(&self) -> usize {
        let mut state = self.state();
        state.connections.push(Connection { opened: self.started.elapsed(), service: None, requests: 0 });
        state.connections.len() - 1
    }
}

/// Secrets Manager has a single secret under every name.
fn settings_answer(operation: &str, body: &[u8], settings: &str) -> Answer {
    if operation != "GetSecretValue" {
        return Answer::refused("InvalidRequestException", operation);
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = json!({
        "Name": request["SecretId"], "VersionId": "00000000-0000-4000-8000-000000000001", "VersionStages": ["AWSCURRENT"],
        "SecretString": settings,
    });
    Answer::done(answer.to_string(), Tally::default())
}

pub(crate) async fn serve(listener: TcpListener, world: Arc<World>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let at = world.opened();
                connections.spawn(connection(stream, world.clone(), at));
            }
            // Probably out of file descriptors, so wait until some connections end.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, world: Arc<World>, at: usize) {
    // Otherwise an answer in two packets would wait for the client's acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let world = world.clone();
        async move { respond(request, &world, at).await }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(request: Request<Incoming>, world: &World, at: usize) -> hyper::Result<Response<Full<Bytes>>> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.split_once('.').and_then(|(prefix, name)| {
        let service = Service::of_target(prefix)?;
        Some(Operation::new(service, name))
    });
    let access_key = access_key(request.headers());
    let body = request.into_body().collect().await?.to_bytes();
    let Some(operation) = operation else {
        return Ok(response(Answer::refused("UnknownOperationException", "no service known here")));
    };
    let service = operation.service;
    let mut answer = world.answer(&operation, &body);
    let latency = {
        let mut state = world.state();
        let connection = &mut state.connections[at];
        connection.requests += 1;
        connection.service.get_or_insert(service);
        answer.tally.requests = 1;
        if let Some(watcher) = &state.watcher {
            watcher(&access_key, &operation, &body);
        }
        state.calls.record(operation, &answer.tally);
        state.latency.get(&service).copied()
    };
    if let Some(latency) = latency {
        tokio::time::sleep(latency).await;
    }
    Ok(response(answer))
}

/// The access key in the signature, or an empty text.
fn access_key(headers: &HeaderMap) -> String {
    let signature = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = signature.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
    key.unwrap_or_default().to_owned()
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(answer.status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "00000000-0000-4000-8000-000000000000");
    let code = answer.query_code.map(|code| format!("{code};Sender"));
    code.into_iter()
        .fold(response, |response, code| response.header("x-amzn-query-error", code))
        .body(Full::new(Bytes::from(answer.body)))
        .expect("its headers are constants")
}
