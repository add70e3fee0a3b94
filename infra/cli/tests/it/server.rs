//! An HTTP server on a free port. It gives fixed answers and remembers its requests. It sends an
//! answer that is a string as it is.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) type Answers = fn(&Asked) -> (u16, Value);
type Log = Arc<Mutex<Vec<Asked>>>;

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
