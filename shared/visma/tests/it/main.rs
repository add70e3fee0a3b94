//! The client over HTTP, with a server that answers as a test says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod limits;
mod lists;
mod privacy;
mod tokens;

use fixtures::TestHost;
use serde_json::json;
use uuid::Uuid;
use webhooks_model::ResourcePath;
use webhooks_settings as settings;
use webhooks_visma::{Feedback, Fetched, Visma, VismaClient, VismaError};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockBuilder, MockServer, Request, ResponseTemplate};

/// Visma Connect at `/connect/token`, the ERP below `/erp` and the sales orders below
/// `/salesorder`.
struct Bench {
    server: MockServer,
    host: TestHost,
    client: VismaClient<TestHost>,
    visma: settings::Visma,
}

impl Bench {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let host = TestHost::default();
        let client = VismaClient::new(host.clone()).unwrap();
        let visma = visma(&server.uri());
        Self { server, host, client, visma }
    }

    /// A bench whose Visma Connect always gives the token `token-1`.
    async fn with_token() -> Self {
        let bench = Self::new().await;
        token_request().respond_with(token("token-1")).mount(&bench.server).await;
        bench
    }

    async fn on_account(&self, answer: ResponseTemplate) {
        account_request().respond_with(answer).mount(&self.server).await;
    }

    fn wait(&self, seconds: i64) {
        self.host.advance(time::Duration::seconds(seconds));
    }

    async fn fetch(&self) -> Result<Fetched, VismaError> {
        self.fetch_for("t-1").await
    }

    async fn fetch_for(&self, tenant: &str) -> Result<Fetched, VismaError> {
        self.client.fetch(&self.visma, tenant, &ResourcePath::parse("v1/account/1920").unwrap()).await
    }

    async fn fetch_order(&self) -> Result<Fetched, VismaError> {
        self.client.fetch(&self.visma, "t-1", &ResourcePath::parse("api/v3/SalesOrders/SO/1").unwrap()).await
    }

    async fn send_feedback(&self) -> Result<(), VismaError> {
        self.client.send_feedback(&self.visma, "t-1", &feedback()).await
    }

    async fn requests_to(&self, path: &str) -> Vec<Request> {
        let mut requests = self.server.received_requests().await.unwrap();
        requests.retain(|request| request.url.path() == path);
        requests
    }
}

const TOKEN_PATH: &str = "/connect/token";
const ACCOUNT_PATH: &str = "/erp/v1/account/1920";
const ORDER_PATH: &str = "/salesorder/api/v3/SalesOrders/SO/1";
const FEEDBACK_PATH: &str = "/erp/v1/webhooknotificationfeedback";

fn visma(server: &str) -> settings::Visma {
    serde_json::from_value(json!({
        "connect_url": server, "erp_url": format!("{server}/erp"), "sales_order_url": format!("{server}/salesorder"),
        "client_id": "client", "client_secret": "a secret & more", "scope": "a:read a:create",
    }))
    .unwrap()
}

fn feedback() -> Feedback<'static> {
    let notification_id = Uuid::from_u128(0x3fa8_5f64_5717_4562_b3fc_2c96_3f66_afa6);
    Feedback { notification_id, source: "User", description: "Kontoen er på plass.", is_success: true }
}

fn token_request() -> MockBuilder {
    Mock::given(method("POST")).and(path(TOKEN_PATH))
}

fn token_request_for(tenant: &str) -> MockBuilder {
    token_request().and(body_string_contains(format!("tenant_id={tenant}")))
}

fn token(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"access_token": text, "expires_in": 3600, "token_type": "Bearer"}))
}

fn account_request() -> MockBuilder {
    Mock::given(method("GET")).and(path(ACCOUNT_PATH))
}

fn account_request_with(token: &str) -> MockBuilder {
    account_request().and(header("authorization", format!("Bearer {token}")))
}

fn account() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"accountID": 77, "accountCD": "1920"}))
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}
