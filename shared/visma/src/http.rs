//! HTTP over the network.

use crate::error::Fault;
use crate::exchange::{Answer, Body, Exchange, Request};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("visma-net-webhooks/", env!("CARGO_PKG_VERSION"));

/// Follows no redirects, and takes no proxy from the environment.
#[derive(Debug)]
pub struct HttpClient(Client);

impl HttpClient {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls())
            .build()?;
        Ok(Self(client))
    }

    fn request(&self, Request { url, token, body, timeout }: Request<'_>) -> RequestBuilder {
        let post = |kind: &'static str| self.0.post(url.clone()).header(CONTENT_TYPE, kind);
        let request = match body {
            None => self.0.get(url.clone()),
            Some(Body::Form(form)) => post("application/x-www-form-urlencoded").body(form),
            Some(Body::Json(json)) => post("application/json").body(json),
        };
        let request = request.header(ACCEPT, "application/json").timeout(timeout);
        match token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }
}

impl Exchange for HttpClient {
    type Answer = Response;

    async fn connect(&self, base: Url) {
        // A server that is silent must not use up the ten seconds that Lambda allows for a start.
        drop(self.0.head(base).timeout(CONNECT_TIMEOUT).send().await);
    }

    async fn send(&self, request: Request<'_>) -> Result<Response, Fault> {
        self.request(request).send().await.map_err(|error| fault(&error))
    }
}

impl Answer for Response {
    fn status(&self) -> StatusCode {
        Self::status(self)
    }

    fn headers(&self) -> &HeaderMap {
        Self::headers(self)
    }

    async fn body(mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await.map_err(|error| fault(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(Fault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Drops the error's own text, which shows the URL.
fn fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Timeout
    } else if error.is_body() || error.is_decode() {
        Fault::Unreadable
    } else {
        Fault::Connection
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_no_longer_than_the_request_says() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let client = HttpClient::new().unwrap();
        let request = Request { url: &silent, token: None, body: None, timeout: Duration::from_millis(50) };
        let answered = tokio::time::timeout(Duration::from_secs(5), client.send(request)).await;
        assert!(matches!(answered, Ok(Err(Fault::Timeout))));
    }
}
