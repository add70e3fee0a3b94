//! The AWS Lambda Runtime API, version 2018-06-01, for one function that handles one event at a
//! time.

use crate::{Error, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinHandle, JoinSet};
use webhooks_host::{Host, SystemHost};

const PREFIX: &str = "/2018-06-01/runtime/";
/// The time that a function is given for an event.
const BUDGET: Duration = Duration::from_secs(60);
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

/// What a function reports.
#[derive(Debug)]
pub enum News {
    /// It asks for an event.
    Ready { at: Instant },
    /// It answered the event with this id, `took` after it got the event.
    Answered { id: String, took: Duration, at: Instant, document: Bytes },
    /// It failed at the event with this id.
    Failed { id: String, document: Bytes },
    /// It cannot start.
    CannotStart { document: Bytes },
}

struct Event {
    id: String,
    document: Bytes,
}

struct Shared {
    function: String,
    events: tokio::sync::Mutex<UnboundedReceiver<Event>>,
    news: UnboundedSender<News>,
    /// The unanswered event and the time when it was sent.
    open: Mutex<Option<(String, Instant)>>,
}

/// The API on a port of 127.0.0.1. Stops when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    events: UnboundedSender<Event>,
    news: UnboundedReceiver<News>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

impl RuntimeApi {
    /// Listens once this returns. `function` is the name in the ARN that the function gets.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(function: &str) -> Result<Self> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.map_err(Error::io("listen for a function"))?;
        let address = listener.local_addr().map_err(Error::io("listen for a function"))?;
        let (events, waiting) = mpsc::unbounded_channel();
        let (told, news) = mpsc::unbounded_channel();
        let shared =
            Shared { function: function.to_owned(), events: waiting.into(), news: told, open: Mutex::default() };
        let task = tokio::spawn(serve(listener, Arc::new(shared)));
        Ok(Self { address, events, news, task })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends an event to the function as soon as it asks for one. Returns the event's id.
    pub fn hand_out(&self, document: impl Into<Bytes>) -> String {
        let id = SystemHost.new_id().to_string();
        // If the server has ended, the event is lost and gets no answer.
        let _ = self.events.send(Event { id: id.clone(), document: document.into() });
        id
    }

    /// Waits for the next report of the function.
    pub async fn news(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            // The server ends only with this value.
            None => std::future::pending().await,
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Otherwise an answer in two packets would wait for the acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { shared.respond(request).await }
    });
    // A killed function leaves its connections open.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    async fn respond(&self, request: Request<Incoming>) -> hyper::Result<Response<Full<Bytes>>> {
        let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let words: Vec<_> = path.split('/').collect();
        match (request.method(), words.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => Ok(self.next().await),
            (&Method::POST, ["invocation", id, what @ ("response" | "error")]) => {
                let document = request.into_body().collect().await?.to_bytes();
                Ok(self.ended(id, document, *what == "response"))
            }
            (&Method::POST, ["init", "error"]) => {
                let document = request.into_body().collect().await?.to_bytes();
                self.tell(News::CannotStart { document });
                Ok(answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#))
            }
            _ => Ok(refusal(StatusCode::NOT_FOUND, "UnknownPath")),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        self.tell(News::Ready { at: Instant::now() });
        let Some(Event { id, document }) = self.events.lock().await.recv().await else {
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "ContainerError");
        };
        let deadline = (SystemHost.now() + BUDGET).unix_timestamp_nanos() / 1_000_000;
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", deadline.to_string())
            .header("lambda-runtime-invoked-function-arn", self.arn())
            .header("lambda-runtime-trace-id", TRACE)
            .body(Full::new(document))
            .expect("ids and names are header values");
        *self.open() = Some((id, Instant::now()));
        response
    }

    fn ended(&self, id: &str, document: Bytes, well: bool) -> Response<Full<Bytes>> {
        let at = Instant::now();
        let mut open = self.open();
        let Some((id, handed)) = open.take_if(|(handed, _)| handed == id) else {
            return refusal(StatusCode::BAD_REQUEST, "InvalidRequestID");
        };
        let took = at - handed;
        self.tell(if well { News::Answered { id, took, at, document } } else { News::Failed { id, document } });
        answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
    }

    fn arn(&self) -> String {
        format!("arn:aws:lambda:eu-north-1:000000000000:function:{}", self.function)
    }

    fn tell(&self, news: News) {
        // There is no receiver while the function is being stopped.
        let _ = self.news.send(news);
    }

    fn open(&self) -> MutexGuard<'_, Option<(String, Instant)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(status: StatusCode, document: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(document.as_bytes())));
    *response.status_mut() = status;
    response
}

fn refusal(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    answer(status, &format!(r#"{{"errorMessage":"refused","errorType":"{kind}"}}"#))
}
