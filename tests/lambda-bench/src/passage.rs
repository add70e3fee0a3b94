//! A proxy in front of a server that counts connections.

use crate::error::{Error, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Listens on a port of 127.0.0.1. Stops when dropped.
#[derive(Debug)]
pub(crate) struct Passage {
    url: String,
    opened: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Passage {
    /// # Errors
    /// There is no free port.
    pub(crate) async fn to(server: SocketAddr) -> Result<Self> {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listening.map_err(Error::io("listen before Visma Net"))?;
        let address = listener.local_addr().map_err(Error::io("listen before Visma Net"))?;
        let opened = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, server, opened.clone()));
        Ok(Self { url: format!("http://{address}"), opened, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The number of connections so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, opened: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        opened.fetch_add(1, Ordering::Relaxed);
        connections.spawn(pass(stream, server));
        while connections.try_join_next().is_some() {}
    }
}

/// Copies until either end closes the connection.
async fn pass(mut client: TcpStream, server: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
