//! Starts, queries and stops the endpoint.

use crate::calls::{Calls, Operation, Service};
use crate::dynamo;
use crate::server::{Connection, State, World, serve};
use crate::sqs::{Queues, Received};
use dynoxide::Database;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};
use tokio::sync::oneshot;

/// The queues of the pipeline, each with its dead-letter queue.
pub const QUEUES: [&str; 8] = [
    "notifications",
    "events",
    "feedback",
    "repairs",
    "notifications-dead",
    "events-dead",
    "feedback-dead",
    "repairs-dead",
];
/// A name for the settings document. Every other name gives the same document.
pub const SECRET_ID: &str = "settings";

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The settings document that Secrets Manager returns.
    pub settings: String,
    /// The least duration of a request, by service.
    pub latency: BTreeMap<Service, Duration>,
}

/// AWS on a port of 127.0.0.1, served by its own thread. Stops when dropped.
pub struct Endpoint {
    url: String,
    world: Arc<World>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Listens once this returns. `settings` is the document that Secrets Manager returns.
    ///
    /// # Errors
    /// There is no free port, or no thread.
    pub fn start(settings: &str) -> io::Result<Self> {
        Self::with(Options { settings: settings.to_owned(), ..Options::default() })
    }

    /// # Errors
    /// There is no free port, or no thread.
    pub fn with(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let Options { settings, latency } = options;
        let queues = Queues::with(&QUEUES);
        let (calls, connections) = (Calls::default(), Vec::new());
        let state = State { settings, queues, calls, latency, connections, watcher: None };
        let world = Arc::new(World::new(dynamo::create(), state));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let served = world.clone();
        let thread = thread::Builder::new().name("endpoint".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
                tokio::select! {
                    () = serve(listener, served) => {}
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { url, world, end: Some(end), thread: Some(thread) })
    }

    /// `http://127.0.0.1:{port}`, for every service.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of one of [`QUEUES`].
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.url)
    }

    pub fn set_settings(&self, settings: &str) {
        settings.clone_into(&mut self.world.state().settings);
    }

    /// Sets the least duration of this service's requests.
    pub fn set_latency(&self, service: Service, latency: Duration) {
        self.world.state().latency.insert(service, latency);
    }

    /// All calls since the start.
    pub fn calls(&self) -> Calls {
        self.world.state().calls.clone()
    }

    /// Calls the watcher for each call from now on, with the access key of the signature, the
    /// operation, and the request's body. The watcher must not panic.
    pub fn watch(&self, watcher: impl Fn(&str, &Operation, &[u8]) + Send + 'static) {
        self.world.state().watcher = Some(Box::new(watcher));
    }

    /// All accepted connections, in order.
    pub fn connections(&self) -> Vec<Connection> {
        self.world.state().connections.clone()
    }

    /// How long it has been running. A connection's `opened` is on the same clock.
    pub fn age(&self) -> Duration {
        self.world.started.elapsed()
    }

    /// Removes up to `most` messages from the start of a queue for good, as if their batch were
    /// going to succeed.
    ///
    /// # Panics
    /// There is no such queue.
    pub fn take(&self, queue: &str, most: usize) -> Vec<Received> {
        self.world.state().queues.take(queue, most)
    }

    /// Adds messages to the end of a queue, such as those of a failed batch.
    ///
    /// # Panics
    /// There is no such queue.
    pub fn put(&self, queue: &str, messages: impl IntoIterator<Item = Received>) {
        self.world.state().queues.put(queue, messages);
    }

    /// The number of messages in the queue.
    pub fn depth(&self, queue: &str) -> usize {
        self.world.state().queues.get(queue).map_or(0, |queue| queue.len())
    }

    /// The embedded DynamoDB. Direct calls to it are not counted.
    pub fn database(&self) -> &Database {
        &self.world.database
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
