//! The client.

use crate::error::{Fault, Stage, VismaError};
use crate::exchange::{Answer, Body, Exchange, Request, join};
use crate::http::HttpClient;
use crate::rate::{Quota, Quotas, Rates};
use crate::token::{self, Token, Tokens};
use crate::{Feedback, Fetched, Visma, answer, rate};
use futures::future::join_all;
use reqwest::StatusCode;
use std::time::Duration;
use url::Url;
use webhooks_host::Host;
use webhooks_model::resource::says_error;
use webhooks_model::resource_path::Api;
use webhooks_model::{Clock, Entity, Resource, ResourcePath};
use webhooks_settings as settings;

const LARGEST_TOKEN_ANSWER: usize = 64 * 1024;
const LARGEST_RESOURCE: usize = 8 * 1024 * 1024;
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// A list of many changes takes long, and accounts come without pages. A list that is cut off each
/// time is never swept. Visma Net itself takes up to four minutes (docs/visma-net.md#errors). But a
/// run of the reconciler has five at most, and other lists wait.
const LONGEST_LIST: Duration = Duration::from_secs(60);

/// Calls Visma Connect and the ERP. One client serves all tenants; share it by reference or in an
/// `Arc`.
#[derive(Debug)]
pub struct VismaClient<H, X = HttpClient> {
    exchange: X,
    pub(crate) host: H,
    tokens: Tokens,
    rates: Rates,
}

impl<H: Host> VismaClient<H> {
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(host: H) -> Result<Self, reqwest::Error> {
        Ok(Self::over(HttpClient::new()?, host))
    }
}

impl<H: Host, X: Exchange> VismaClient<H, X> {
    pub fn over(exchange: X, host: H) -> Self {
        Self { exchange, host, tokens: Tokens::default(), rates: Rates::default() }
    }

    /// Opens connections before the first calls need them. Ignores failures, since the first call
    /// reports them.
    pub async fn connect(&self, bases: &[&Url]) {
        join_all(bases.iter().map(|base| self.exchange.connect((*base).clone()))).await;
    }

    /// Makes a call with the tenant's token, and once more with a new token if the first is
    /// refused. While the API also refuses new tokens, it asks for them less and less often. Calls
    /// to the other API go on with the same token.
    pub(crate) async fn call(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        (api, stage): (Api, Stage),
        url: &Url,
        body: impl Fn() -> Option<Body>,
    ) -> Result<X::Answer, VismaError> {
        let slot = self.tokens.slot(&token::Key::new(visma, tenant));
        let ask = async || self.request_token(visma, tenant).await;
        let mut unfit = slot.admit(api, stage, self.host.now())?;
        let mut is_renewed = false;
        let refused = loop {
            let token = slot.get(unfit, || self.host.now(), ask).await?;
            let timeout = if stage == Stage::List { LONGEST_LIST } else { LONGEST_CALL };
            let request = Request { url, token: Some(&token.secret), body: body(), timeout };
            let response = self.send(tenant, stage, request).await?;
            match response.status().as_u16() {
                // The refused token was new, so another one would not help.
                401 if is_renewed || slot.is_suspected(api) => break token,
                401 => (unfit, is_renewed) = (Some(token.number), true),
                403 => {
                    // The scopes are part of the token. Without a new token, an approval given now
                    // would take effect only when this one expires.
                    slot.accept(api, Some(&token));
                    return Err(answer::refusal(response, stage, VismaError::TenantNotApproved { stage }).await);
                }
                _ => {
                    slot.accept(api, None);
                    return Ok(response);
                }
            }
        };
        let now = self.host.now();
        slot.refuse(api, &refused, now);
        Err(slot.error(api, stage, now))
    }

    async fn request_token(&self, visma: &settings::Visma, tenant: &str) -> Result<Token, VismaError> {
        let stage = Stage::Token;
        let url = join(&visma.connect_url, "connect/token");
        let body = Some(Body::Form(token::form(visma, tenant)));
        let request = Request { url: &url, token: None, body, timeout: LONGEST_CALL };
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
    async fn send(&self, tenant: &str, stage: Stage, request: Request<'_>) -> Result<X::Answer, VismaError> {
        let window = rate::window(tenant, request.url);
        self.rates.check(tenant, stage, self.host.now())?;
        self.rates.check(&window, stage, self.host.now())?;
        let response = self.exchange.send(request).await.map_err(|fault| VismaError::broken(stage, fault))?;
        let (status, headers, now) = (response.status(), response.headers(), self.host.now());
        tracing::debug!(%stage, status = status.as_u16(), "answered");
        if stage != Stage::Token {
            self.rates.note_quota(&window, headers, now);
        }
        if answer::is_limit(status, headers, now) {
            let after = answer::retry_after(headers, now).or_else(|| answer::window_ends_in(headers));
            if let Some(wait) = after {
                self.rates.close(&window, wait, now);
            }
            return Err(VismaError::RateLimited { stage, after });
        }
        match status.as_u16() {
            408 | 425 => Err(unavailable(stage, &response, now)),
            500 => {
                let error = unavailable(stage, &response, now);
                Err(answer::refusal(response, stage, error).await)
            }
            _ if status.is_success() || status.is_client_error() => Ok(response),
            _ => Err(unavailable(stage, &response, now)),
        }
    }
}

impl<H: Host, X: Exchange> Visma for VismaClient<H, X> {
    async fn fetch(&self, visma: &settings::Visma, tenant: &str, path: &ResourcePath) -> Result<Fetched, VismaError> {
        let stage = Stage::Resource;
        let base = match path.api() {
            Api::Finance => &visma.erp_url,
            Api::SalesOrder => &visma.sales_order_url,
        };
        let url = join(base, &path.to_string());
        let response = self.call(visma, tenant, (path.api(), stage), &url, || None).await?;
        match response.status() {
            status if status.is_success() => {
                let etag = answer::etag(response.headers());
                let json = answer::text(response, stage, LARGEST_RESOURCE).await?;
                let clock = Clock::new(visma.zone(path.api()), self.host.now());
                let resource = Resource::parse(&json, &clock).map_err(|_| answer::unreadable(&json, stage))?;
                Ok(Fetched::Found(resource.or_etag(&etag)))
            }
            StatusCode::NOT_FOUND => answer::absent(response, stage).await.map(|()| Fetched::Gone),
            // Elsewhere it may be the API that is gone, and not the resource.
            StatusCode::GONE if path.entity() == Entity::BackgroundOperation => Ok(Fetched::Gone),
            status => {
                let unexpected = VismaError::Unexpected { stage, status: status.as_u16() };
                Err(answer::refusal(response, stage, unexpected).await)
            }
        }
    }

    async fn send_feedback(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        feedback: &Feedback<'_>,
    ) -> Result<(), VismaError> {
        let url = join(&visma.erp_url, "v1/webhooknotificationfeedback");
        let body = || Some(Body::Json(serde_json::to_vec(feedback).expect("an id, texts and a flag")));
        let stage = Stage::Feedback;
        let response = self.call(visma, tenant, (Api::Finance, stage), &url, body).await?;
        let status = response.status().as_u16();
        let refused = VismaError::Refused { status };
        match status {
            // Only this one is documented for a feedback that was taken.
            201 => Ok(()),
            200..=299 => match answer::problem(response, stage).await? {
                body if answer::is_page(&body) => Err(VismaError::unreadable(stage)),
                json if answer::says_no_license(&json) => Err(VismaError::NoLicense { stage }),
                json if says_error(&json) => Err(refused),
                _ => Ok(()),
            },
            404 | 410 => Err(answer::absent(response, stage).await.err().unwrap_or(refused)),
            _ => Err(answer::refusal(response, stage, refused).await),
        }
    }
}

impl<H: Host, X: Exchange> Quotas for VismaClient<H, X> {
    fn quota_left(&self, tenant: &str) -> Option<Quota> {
        self.rates.quota(tenant, self.host.now())
    }
}

fn unavailable(stage: Stage, response: &impl Answer, now: time::OffsetDateTime) -> VismaError {
    let after = answer::retry_after(response.headers(), now);
    VismaError::Unavailable { stage, fault: Fault::Status(response.status().as_u16()), after }
}
