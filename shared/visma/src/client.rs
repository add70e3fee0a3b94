//! The HTTP client.

use crate::error::{Fault, Stage, VismaError};
use crate::feedback::Feedback;
use crate::join::join;
use crate::rate::{Quota, Quotas, Rates};
use crate::token::{self, Token, Tokens};
use crate::{Fetched, Visma, answer};
use futures::future::join_all;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::time::Duration;
use url::Url;
use webhooks_host::Host;
use webhooks_model::resource_path::Api;
use webhooks_model::{Clock, Resource, ResourcePath};
use webhooks_settings as settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("visma-net-webhooks/", env!("CARGO_PKG_VERSION"));
const LARGEST_TOKEN_ANSWER: usize = 64 * 1024;
const LARGEST_RESOURCE: usize = 8 * 1024 * 1024;

/// Calls Visma Connect and the ERP. One client serves all tenants; share it by reference or in an
/// `Arc`.
#[derive(Debug)]
pub struct VismaClient<H> {
    pub(crate) http: Client,
    pub(crate) host: H,
    tokens: Tokens,
    rates: Rates,
}

impl<H: Host> VismaClient<H> {
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(host: H) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls())
            .build()?;
        Ok(Self { http, host, tokens: Tokens::default(), rates: Rates::default() })
    }

    /// Opens connections before the first calls need them. Ignores failures, since the first call
    /// reports them.
    pub async fn connect(&self, bases: &[&Url]) {
        join_all(bases.iter().map(|base| self.http.head((*base).clone()).send())).await;
    }

    /// Makes a call with the tenant's token, and once more with a new token if the first is
    /// refused. While the ERP also refuses new tokens, it asks for them less and less often.
    pub(crate) async fn call(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        stage: Stage,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, VismaError> {
        let slot = self.tokens.slot(&token::Key::new(visma, tenant));
        let ask = async || {
            slot.refusals.check(stage, self.host.now())?;
            self.request_token(visma, tenant).await
        };
        let mut rejected = None;
        let refused = loop {
            let token = slot.get(rejected.as_ref(), || self.host.now(), ask).await?;
            let response = self.send(tenant, stage, request().bearer_auth(token.reveal())).await?;
            match response.status().as_u16() {
                // The refused token was new, so another one would not help.
                401 if rejected.is_some() || slot.refusals.is_suspected() => break token,
                401 => rejected = Some(token),
                403 => {
                    // The scopes are part of the token. Without a new token, an approval given now
                    // would take effect only when this one expires.
                    slot.forget(&token).await;
                    slot.refusals.forget();
                    return Err(VismaError::TenantNotApproved { stage });
                }
                _ => {
                    slot.refusals.forget();
                    return Ok(response);
                }
            }
        };
        // Several calls may hold the refused token; only the first counts it.
        if slot.forget(&refused).await {
            slot.refusals.add(self.host.now());
        }
        Err(slot.refusals.error(stage, self.host.now()))
    }

    async fn request_token(&self, visma: &settings::Visma, tenant: &str) -> Result<Token, VismaError> {
        let stage = Stage::Token;
        let request = self
            .http
            .post(join(&visma.connect_url, "connect/token"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(token::form(visma, tenant));
        let response = self.send(tenant, stage, request).await?;
        match response.status() {
            status if status.is_success() => {
                Token::parse(&answer::text(response, stage, LARGEST_TOKEN_ANSWER).await?, self.host.now())
            }
            status => Err(VismaError::TokenRefused { stage, status: status.as_u16(), after: None }),
        }
    }

    /// Sends unless the tenant has to wait. Returns only answers whose meaning depends on the call:
    /// 2xx and most 4xx.
    async fn send(&self, tenant: &str, stage: Stage, request: RequestBuilder) -> Result<Response, VismaError> {
        self.rates.check(tenant, stage, self.host.now())?;
        let response = request.send().await.map_err(|error| VismaError::transport(stage, &error))?;
        let (status, headers, now) = (response.status(), response.headers(), self.host.now());
        tracing::debug!(%stage, status = status.as_u16(), "answered");
        if stage != Stage::Token {
            self.rates.note_quota(tenant, headers, now);
        }
        match status.as_u16() {
            429 => {
                let after = answer::retry_after(headers, now).or_else(|| answer::window_ends_in(headers));
                if let Some(wait) = after {
                    self.rates.close(tenant, wait, now);
                }
                Err(VismaError::RateLimited { stage, after })
            }
            408 | 425 => Err(unavailable(stage, &response, now)),
            _ if status.is_success() || status.is_client_error() => Ok(response),
            _ => Err(unavailable(stage, &response, now)),
        }
    }
}

impl<H: Host> Visma for VismaClient<H> {
    async fn fetch(&self, visma: &settings::Visma, tenant: &str, path: &ResourcePath) -> Result<Fetched, VismaError> {
        let stage = Stage::Resource;
        let base = match path.api() {
            Api::Finance => &visma.erp_url,
            Api::SalesOrder => &visma.sales_order_url,
        };
        let url = join(base, &path.to_string());
        let request = || self.http.get(url.clone()).header(ACCEPT, "application/json");
        let response = self.call(visma, tenant, stage, request).await?;
        match response.status() {
            status if status.is_success() => {
                let etag = answer::etag(response.headers());
                let json = answer::text(response, stage, LARGEST_RESOURCE).await?;
                let clock = Clock::new(visma.zone(path.api()), self.host.now());
                let resource = Resource::parse(&json, &clock).map_err(|_| VismaError::unreadable(stage))?;
                Ok(Fetched::Found(resource.or_etag(&etag)))
            }
            status => match status.as_u16() {
                404 | 410 => Ok(Fetched::Gone),
                status => Err(VismaError::Unexpected { stage, status }),
            },
        }
    }

    async fn send_feedback(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        feedback: &Feedback<'_>,
    ) -> Result<(), VismaError> {
        let url = join(&visma.erp_url, "v1/webhooknotificationfeedback");
        let request = || self.http.post(url.clone()).header(ACCEPT, "application/json").json(feedback);
        let response = self.call(visma, tenant, Stage::Feedback, request).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(VismaError::Refused { status: status.as_u16() }),
        }
    }
}

impl<H: Host> Quotas for VismaClient<H> {
    fn quota_left(&self, tenant: &str) -> Option<Quota> {
        self.rates.quota(tenant, self.host.now())
    }
}

/// Mozilla's root certificates, compiled in. Reading the machine's took longer than all the rest of
/// a function's start.
fn tls() -> ClientConfig {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let versions = ClientConfig::builder_with_provider(ring::default_provider().into());
    let versions = versions.with_safe_default_protocol_versions().expect("the provider knows both versions of TLS");
    versions.with_root_certificates(roots).with_no_client_auth()
}

fn unavailable(stage: Stage, response: &Response, now: time::OffsetDateTime) -> VismaError {
    let after = answer::retry_after(response.headers(), now);
    VismaError::Unavailable { stage, fault: Fault::Status(response.status().as_u16()), after }
}
