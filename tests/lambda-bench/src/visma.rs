//! What stands between Visma Net and the functions: proxies in front of it that count connections,
//! and a receiver of its deliveries, which become the events that API Gateway makes of them.

use crate::{Error, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

type Kept = Arc<Mutex<Vec<String>>>;

/// Accepts every delivery to a port of 127.0.0.1. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Deliveries {
    url: String,
    kept: Kept,
    task: JoinHandle<()>,
}

impl Deliveries {
    /// # Errors
    /// There is no free port.
    pub(crate) async fn start() -> Result<Self> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.map_err(Error::io("listen for deliveries"))?;
        let address = listener.local_addr().map_err(Error::io("listen for deliveries"))?;
        let kept = Kept::default();
        let router = Router::new().fallback(keep).with_state(kept.clone());
        // Only an abort ends it.
        let task = tokio::spawn(async { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { url: format!("http://{address}"), kept, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The events since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(State(kept): State<Kept>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let headers = headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
    let event = event("POST", uri.path(), headers.collect(), &String::from_utf8_lossy(&body), &Value::Null);
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    StatusCode::ACCEPTED
}

/// An HTTP API's event, in payload format 2.0. `headers` must be in lower case; `authorizer` is its
/// context, or null.
pub(crate) fn event(method: &str, path: &str, headers: Map<String, Value>, body: &str, authorizer: &Value) -> String {
    let mut context = json!({
        "accountId": "000000000000", "apiId": "a1b2c3d4e5", "domainPrefix": "a1b2c3d4e5",
        "domainName": "a1b2c3d4e5.execute-api.eu-north-1.amazonaws.com", "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default", "stage": "$default", "time": "24/Nov/2026:12:00:01 +0000", "timeEpoch": 1_795_521_601_000_u64,
        "http": {
            "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "18.202.121.26", "userAgent": "dispatcher",
        },
    });
    if !authorizer.is_null() {
        context["authorizer"] = authorizer.clone();
    }
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": context, "body": body, "isBase64Encoded": false,
    });
    event.to_string()
}

/// Listens on a port of 127.0.0.1. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Passage {
    url: String,
    opened: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Passage {
    /// # Errors
    /// There is no free port.
    pub(crate) async fn to(server: SocketAddr) -> Result<Self> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.map_err(Error::io("listen before Visma Net"))?;
        let address = listener.local_addr().map_err(Error::io("listen before Visma Net"))?;
        let opened = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, server, opened.clone()));
        Ok(Self { url: format!("http://{address}"), opened, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The number of connections so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, opened: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        opened.fetch_add(1, Ordering::Relaxed);
        connections.spawn(pass(stream, server));
        while connections.try_join_next().is_some() {}
    }
}

/// Copies until either end closes the connection.
async fn pass(mut client: TcpStream, server: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
