//! The issuer at its own address. A token names the user pool by its address on AWS, and so does the console's policy; here that
//! address leads to the local AWS, through TLS as there.

use rcgen::generate_simple_self_signed;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The arguments with which a browser finds `host` here. What it sends there goes to `target` (`127.0.0.1:1234`).
pub(crate) async fn at(host: &str, target: &str) -> Vec<String> {
    let own = generate_simple_self_signed([host.to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth().with_single_cert(vec![own.cert.into()], key.into());
    let acceptor = TlsAcceptor::from(Arc::new(config.expect("a certificate and its key")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let target = target.to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move { forward(acceptor, stream, &target).await });
        }
    });
    vec![format!("--host-resolver-rules=MAP {host}:443 127.0.0.1:{port}"), "--ignore-certificate-errors".to_owned()]
}

/// One request of a connection, told that it came by https.
async fn forward(acceptor: TlsAcceptor, stream: TcpStream, target: &str) -> std::io::Result<()> {
    let (mut browser, mut aws) = (acceptor.accept(stream).await?, TcpStream::connect(target).await?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(browser.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let (first, rest) = head.split_once("\r\n").unwrap_or_default();
    let kept: String = rest
        .lines()
        .filter(|line| !line.to_lowercase().starts_with("connection:"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    aws.write_all(format!("{first}\r\nx-forwarded-proto: https\r\nconnection: close\r\n{kept}").as_bytes()).await?;
    copy_bidirectional(&mut browser, &mut aws).await.map(drop)
}
