//! Faults on demand.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

use crate::protocol::{Endpoint, Fault, Outage};

/// Marks an answer that is not sent: the server drops the connection instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

/// A tenant's scripts and outages.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    scripts: BTreeMap<Endpoint, VecDeque<Fault>>,
    outages: BTreeMap<Endpoint, Outage>,
}

impl Faults {
    /// Replaces the endpoint's script.
    pub(crate) fn script(&mut self, endpoint: Endpoint, faults: Vec<Fault>) {
        self.scripts.insert(endpoint, faults.into());
    }

    pub(crate) fn set_outage(&mut self, endpoint: Endpoint, outage: Option<Outage>) {
        match outage {
            Some(outage) => self.outages.insert(endpoint, outage),
            None => self.outages.remove(&endpoint),
        };
    }

    /// The fault for the next call. An outage does not use up the script.
    pub(crate) fn next(&mut self, endpoint: Endpoint) -> Fault {
        match self.outages.get(&endpoint) {
            Some(Outage::Unavailable) => Fault::status(503),
            Some(Outage::Dropped) => Fault::Drop,
            None => self.scripts.get_mut(&endpoint).and_then(VecDeque::pop_front).unwrap_or(Fault::Pass),
        }
    }
}

/// Answers a call under a fault.
pub(crate) async fn apply(fault: Fault, endpoint: Endpoint, answer: impl Future<Output = Response>) -> Response {
    match fault {
        Fault::Pass => answer.await,
        Fault::Status { status, retry_after_seconds, message } => {
            refuse(endpoint, status, retry_after_seconds, message)
        }
        Fault::NoLicense { status } => no_license(status),
        Fault::Page { status } => (status_of(status), Html("<html><body>Sign in</body></html>")).into_response(),
        Fault::Drop => hang_up(),
        Fault::Lost => {
            answer.await;
            hang_up()
        }
        Fault::Slow { milliseconds } => {
            let answer = answer.await;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            answer
        }
    }
}

/// The form of the old gateway (docs/visma-net.md#tenant-ids).
fn no_license(status: u16) -> Response {
    let body = json!({
        "ExceptionType": "IPPException", "ExceptionMessage": "No license for this company.",
        "ExceptionFaultCode": "12027", "ExceptionMessageID": "12027_1", "ExceptionDetails": "",
    });
    (status_of(status), Json(body)).into_response()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn refuse(endpoint: Endpoint, status: u16, retry_after: Option<u64>, message: Option<String>) -> Response {
    let status = status_of(status);
    let message = message.unwrap_or_else(|| status.canonical_reason().unwrap_or("fault").to_owned());
    let body = match endpoint {
        Endpoint::Token => json!({"error": message}),
        Endpoint::Resource | Endpoint::Feedback => json!({"message": message}),
    };
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn hang_up() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}
