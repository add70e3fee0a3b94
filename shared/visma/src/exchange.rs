//! One HTTP request and its answer: all that the client needs of HTTP. The simulation answers here
//! in place of Visma Net.

use crate::error::Fault;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use std::time::Duration;
use url::Url;
use webhooks_settings::Secret;

/// A POST if there is a body, otherwise a GET. It has no `Debug`, since the body holds secrets or
/// a description, which must not be logged.
pub struct Request<'a> {
    pub url: &'a Url,
    /// The bearer token.
    pub token: Option<&'a Secret>,
    pub body: Option<Body>,
    /// How long to wait for the whole answer, the connection included.
    pub timeout: Duration,
}

pub enum Body {
    /// `application/x-www-form-urlencoded`
    Form(String),
    Json(Vec<u8>),
}

pub trait Exchange: Send + Sync {
    type Answer: Answer;

    /// Opens a connection before the first request needs it, if there are connections. Ignores
    /// failures, since the first request reports them.
    fn connect(&self, _base: Url) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The answer, whatever its status, as soon as its headers are here.
    ///
    /// # Errors
    /// No answer came.
    fn send(&self, request: Request<'_>) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

pub trait Answer: Send {
    fn status(&self) -> StatusCode;

    fn headers(&self) -> &HeaderMap;

    /// The body. Reads no further than `limit` bytes.
    ///
    /// # Errors
    /// The body is longer, or broke off.
    fn body(self, limit: usize) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;
}
