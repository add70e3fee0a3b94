//! An HTTP server on a free port and a queue in memory, in place of AWS and the operations API.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use visma_webhooks::queue::{Depth, Queue, Received};
use visma_webhooks::{Exit, Failure};

const LONG_AGO: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) type Answers = fn(&Asked) -> (u16, Value);
type Log = Arc<Mutex<Vec<Asked>>>;

/// It gives fixed answers and remembers its requests. It sends an answer that is a string as it is.
pub(crate) struct Server {
    pub(crate) url: String,
    log: Log,
}

impl Server {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Log::default();
        let app = Router::new().fallback(answer).with_state((answers, log.clone()));
        tokio::spawn(async { axum::serve(listener, app).await });
        Self { url, log }
    }

    /// One that closes each connection without an answer.
    pub(crate) async fn mute() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let _ = connection.readable().await;
            }
        });
        Self { url, log: Log::default() }
    }

    /// Its requests without those for the directory of tenants, which precede every use of
    /// --tenant.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.all_asked().into_iter().filter(|asked| asked.line != "GET /operations/v1/tenants").collect()
    }

    pub(crate) fn all_asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

async fn answer(
    State((answers, log)): State<(Answers, Log)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = Asked { line: format!("{method} {uri}"), headers, body };
    let (status, json) = answers(&asked);
    log.lock().unwrap().push(asked);
    let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    (StatusCode::from_u16(status).unwrap(), text)
}

/// A queue in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) waiting: RefCell<Vec<Received>>,
    pub(crate) hidden: RefCell<Vec<Received>>,
    /// The number of messages after which it refuses more.
    pub(crate) takes: Cell<Option<usize>>,
    /// How many receives it got.
    pub(crate) receives: Cell<usize>,
}

impl Memory {
    pub(crate) fn of(messages: impl IntoIterator<Item = Received>) -> Self {
        Self { waiting: RefCell::new(messages.into_iter().collect()), ..Self::default() }
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.waiting.borrow().iter().map(|message| message.body.clone()).collect()
    }
}

pub(crate) fn message(body: &str) -> Received {
    Received {
        id: format!("id of {body}"),
        body: body.to_owned(),
        receipt: format!("receipt of {body}"),
        sent_at: LONG_AGO,
        receive_count: 3,
        group: Some("t-1".into()),
        trace: None,
        attributes: HashMap::new(),
    }
}

impl Queue for Memory {
    async fn receive(&self, most: usize, _: Duration, _: Duration) -> Result<Vec<Received>, Failure> {
        self.receives.set(self.receives.get() + 1);
        let mut waiting = self.waiting.borrow_mut();
        let count = most.min(10).min(waiting.len());
        let batch: Vec<Received> = waiting.drain(..count).collect();
        self.hidden.borrow_mut().extend(batch.clone());
        Ok(batch)
    }

    async fn send(&self, message: &Received) -> Result<(), Failure> {
        let full = self.takes.get().is_some_and(|most| self.waiting.borrow().len() >= most);
        if full {
            return Err(Failure::new(Exit::Unavailable, "full", ""));
        }
        self.waiting.borrow_mut().push(message.clone());
        Ok(())
    }

    async fn delete(&self, message: &Received) -> Result<(), Failure> {
        self.hidden.borrow_mut().retain(|other| other.receipt != message.receipt);
        Ok(())
    }

    async fn show(&self, message: &Received) -> Result<(), Failure> {
        self.delete(message).await?;
        self.waiting.borrow_mut().push(message.clone());
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, Failure> {
        let count = |messages: &RefCell<Vec<Received>>| messages.borrow().len() as u64;
        Ok(Depth { waiting: count(&self.waiting), in_flight: count(&self.hidden) })
    }
}
