//! A stand-in with a tenant, and a receiver for its deliveries.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use standin::{CLIENT_ID, CLIENT_SECRET, Client, NewTenant, Options, Server, Subscription, TenantClient};

pub(crate) const SECRET: &str = "s3cret";
const SCOPE: &str = "vismanet_erp_service_api:read vismanet_erp_service_api:create visma.net.erp.salesorder:read \
                     visma.net.erp.salesorder:write";

/// A stand-in with one tenant.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) control: Client,
    pub(crate) tenant: TenantClient,
    pub(crate) http: reqwest::Client,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(NewTenant::default()).await
    }

    pub(crate) async fn with(tenant: NewTenant) -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let control = server.client();
        let tenant = control.create_tenant(tenant).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, control, tenant, http }
    }

    /// A stage with a receiver for its deliveries.
    pub(crate) async fn with_receiver(answers: &[u16]) -> (Self, Receiver) {
        let (stage, receiver) = (Self::new().await, Receiver::start(answers).await);
        stage.control.set_api_url(&receiver.url).await.unwrap();
        let subscription =
            Subscription { id: "sub-1".to_owned(), secret: SECRET.to_owned(), route: "erp".to_owned(), event: None };
        stage.tenant.set_subscriptions(&[subscription]).await.unwrap();
        (stage, receiver)
    }

    /// Requests a token with these changes to a valid form.
    pub(crate) async fn ask_token(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let id = self.tenant.id().to_string();
        let mut form = std::collections::BTreeMap::from([
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("scope", SCOPE),
            ("tenant_id", id.as_str()),
        ]);
        form.extend(changes.iter().copied());
        let url = format!("{}/connect/token", self.server.url());
        let response = self.http.post(url).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn token(&self) -> String {
        let (_, answer) = self.ask_token(&[]).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn read(&self, token: &str, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.server.url());
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }
}

/// A request at the receiver.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers with these statuses in order, then 202.
pub(crate) struct Receiver {
    pub(crate) url: String,
    log: Arc<Log>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> Self {
        let log = Arc::new(Log { answers: Mutex::new(answers.iter().copied().collect()), ..Log::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(Arc::clone(&log));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, log, task }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(log): State<Arc<Log>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    log.received.lock().unwrap().push(Received { path: uri.path().to_owned(), headers, body });
    let status = log.answers.lock().unwrap().pop_front().unwrap_or(202);
    (StatusCode::from_u16(status).unwrap(), [(RETRY_AFTER, "0")], r#"{"accepted":1}"#).into_response()
}
