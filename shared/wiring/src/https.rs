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
mod tests {
    use super::*;
    use crate::aws::tls;
    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_sqs::Client as Sqs;
    use aws_sdk_sqs::error::SdkError;
    use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
    use rcgen::generate_simple_self_signed;
    use rustls::RootCertStore;
    use rustls::crypto::ring::default_provider;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
    use webhooks_settings::{SecretsManager, Source};

    /// What SQS and Secrets Manager answer.
    const SENT: &str = r#"{"MessageId":"1","MD5OfMessageBody":"49f68a5c8493ec2c0bf489821c21fc3b","SecretString":"{}"}"#;

    #[derive(Debug, Clone, Copy)]
    enum Answer {
        Sent,
        /// Sends an answer, then closes the connection without announcing it.
        SentAndClosed,
        /// Closes the connection after the request, without an answer.
        Closed,
        Fault,
    }

    #[derive(Debug, Default)]
    struct Log {
        script: VecDeque<Answer>,
        connections: usize,
        requests: usize,
        /// The protocol of the latest handshake.
        protocol: Option<Vec<u8>>,
    }

    /// A queue behind TLS that also offers HTTP/2.
    struct Server {
        url: String,
        certificate: CertificateDer<'static>,
        log: Arc<Mutex<Log>>,
    }

    impl Server {
        async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
            let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let (key, certificate) =
                (PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()), own.cert.der().clone());
            let config = ServerConfig::builder_with_provider(default_provider().into());
            let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
            let mut config = config.with_single_cert(vec![certificate.clone()], key.into()).unwrap();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
            let log = Arc::new(Mutex::new(Log { script: script.into_iter().collect(), ..Log::default() }));
            let shared = log.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(acceptor.clone(), stream, shared.clone()));
                }
            });
            Self { url, certificate, log }
        }

        fn roots(&self) -> RootCertStore {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate.clone()).unwrap();
            roots
        }

        fn client(&self) -> Sqs {
            sqs(&self.url, self.roots())
        }

        fn seen(&self) -> (usize, usize) {
            let log = self.log.lock().unwrap();
            (log.connections, log.requests)
        }
    }

    async fn serve(acceptor: TlsAcceptor, stream: TcpStream, log: Arc<Mutex<Log>>) {
        let Ok(stream) = acceptor.accept(stream).await else { return };
        {
            let mut log = log.lock().unwrap();
            log.connections += 1;
            log.protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        }
        let mut stream = BufReader::new(stream);
        while read_request(&mut stream).await.is_some() {
            let answer = {
                let mut log = log.lock().unwrap();
                log.requests += 1;
                log.script.pop_front().unwrap_or(Answer::Sent)
            };
            if matches!(answer, Answer::Closed) {
                return;
            }
            let (status, body) = if matches!(answer, Answer::Fault) { (500, "{}") } else { (200, SENT) };
            let text = format!("HTTP/1.1 {status} as scripted\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            if matches!(answer, Answer::SentAndClosed) {
                return;
            }
        }
    }

    /// Returns `None` when no more requests follow.
    async fn read_request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<()> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                return stream.read_exact(&mut vec![0; length]).await.ok().map(drop);
            }
        }
    }

    fn config(url: &str, roots: RootCertStore) -> SdkConfig {
        let credentials = Credentials::new("key", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-north-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .endpoint_url(url)
            .http_client(client(tls(roots)));
        config.build()
    }

    fn sqs(url: &str, roots: RootCertStore) -> Sqs {
        Sqs::new(&config(url, roots))
    }

    async fn send(sqs: &Sqs) -> Result<SendMessageOutput, SdkError<SendMessageError>> {
        sqs.send_message().queue_url("https://queue.example/1/q").message_body("body").send().await
    }

    #[tokio::test]
    async fn calls_share_a_connection_and_no_http_2_is_agreed_upon() {
        let server = Server::start([]).await;
        let sqs = server.client();
        for _ in 0..3 {
            assert_eq!(send(&sqs).await.unwrap().message_id(), Some("1"));
        }
        assert_eq!(server.seen(), (1, 3));
        assert_ne!(server.log.lock().unwrap().protocol.as_deref(), Some(&b"h2"[..]));
    }

    #[tokio::test]
    async fn sends_nothing_to_a_server_with_an_unknown_root() {
        let server = Server::start([]).await;
        let error = send(&sqs(&server.url, RootCertStore::empty())).await.unwrap_err();
        assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
        assert_eq!(server.seen(), (0, 0));
    }

    #[tokio::test]
    async fn no_call_fails_on_a_connection_that_the_server_closed() {
        let server = Server::start([Answer::SentAndClosed]).await;
        let sqs = server.client();
        send(&sqs).await.unwrap();
        send(&sqs).await.unwrap();
        assert_eq!(server.seen(), (2, 2));
    }

    #[tokio::test]
    async fn a_transient_fault_makes_the_next_attempt_reconnect() {
        let server = Server::start([Answer::Fault]).await;
        send(&server.client()).await.unwrap();
        assert_eq!(server.seen(), (2, 2));
    }

    #[tokio::test]
    async fn a_reading_of_the_settings_is_repeated_once_if_its_connection_breaks() {
        for (script, is_read, requests) in [
            (vec![Answer::Closed], true, 2),
            (vec![Answer::Closed, Answer::Closed], false, 2),
            (vec![Answer::Fault], false, 1),
        ] {
            let server = Server::start(script.clone()).await;
            let client = crate::secrets_manager(&config(&server.url, server.roots()));
            let document = SecretsManager::new(client, "settings".to_owned()).load().await;
            assert_eq!((document.is_ok(), server.seen().1), (is_read, requests), "{script:?}: {document:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_is_a_network_fault() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        drop(listener);
        let error = send(&sqs(&url, RootCertStore::empty())).await.unwrap_err();
        assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()), "{error:?}");
    }
}
