//! HTTP/1.1 over TLS, for the AWS SDK.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector as Tcp, capture_connection};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug)]
struct Https(Client<HttpsConnector<Tcp>, SdkBody>);

/// One pool of connections for all AWS clients that use it. It has no HTTP/2: DynamoDB, SQS and
/// Secrets Manager do not use it, and its code was an eighth of a function.
pub(crate) fn client(tls: ClientConfig) -> SharedHttpClient {
    let mut tcp = Tcp::new();
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let connector = SharedHttpConnector::new(Https(Client::builder(TokioExecutor::new()).build(https)));
    http_client_fn(move |_, _| connector.clone())
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = answer.await.map_err(connector_error)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Lets the SDK close a connection after a transient fault, so that the next attempt gets another.
fn metadata(capture: &CaptureConnection) -> Option<ConnectionMetadata> {
    capture.connection_metadata().as_ref()?;
    let capture = capture.clone();
    let poison = move || {
        if let Some(connected) = capture.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// A fault of the network may pass; a fault of the request will not.
fn connector_error(error: Error) -> ConnectorError {
    let is_ours = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_user);
    let error: BoxError = error.into();
    if is_ours { ConnectorError::user(error) } else { ConnectorError::io(error) }
}

#[cfg(test)]
#[path = "https_tests.rs"]
mod tests;
