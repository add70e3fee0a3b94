//! The stand-in as a server on 127.0.0.1.

use std::{convert::Infallible, io, net::Ipv4Addr};

use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt;

use crate::{Client, control, erp, fault::HangUp, page, token, world::World};

/// The application's client id, unless another is set.
pub const CLIENT_ID: &str = "standin-client";
/// The application's client secret, unless another is set.
pub const CLIENT_SECRET: &str = "standin-secret";

/// Options for the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0 for any free port.
    pub port: u16,
    /// The target of deliveries. It can be set later.
    pub api_url: Option<String>,
    pub client_id: String,
    pub client_secret: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, api_url: None, client_id: CLIENT_ID.to_owned(), client_secret: CLIENT_SECRET.to_owned() }
    }
}

/// A running stand-in. Dropping it ends all its connections.
#[derive(Debug)]
pub struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens once this returns.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let world = World::new(options);
        let router = Router::new()
            .merge(token::routes())
            .merge(erp::routes(&world))
            .merge(control::routes())
            .merge(page::routes())
            .with_state(world);
        let task = tokio::spawn(serve(listener, router));
        Ok(Self { url, task })
    }

    /// `http://127.0.0.1:{port}`; the three base URLs are this, `{this}/erp` and
    /// `{this}/salesorder`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for its control API.
    pub fn client(&self) -> Client {
        Client::new(&self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, router.clone()));
            }
            // Probably out of file descriptors, so wait for some connections to end.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// `axum::serve` always answers. Here an answer marked [`HangUp`] drops the connection instead.
async fn connection(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = router.oneshot(request).await;
            let response = response.unwrap_or_else(|never: Infallible| match never {});
            if response.extensions().get::<HangUp>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(response)
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection ended early");
    }
}
