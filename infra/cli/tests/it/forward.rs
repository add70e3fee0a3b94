//! `forward` passes events to a local server, and keeps those that it does not take.

use crate::queue::{Memory, message};
use crate::server::Server;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::watch;
use url::Url;
use visma_webhooks::commands::forward::{Forwarded, forward};
use visma_webhooks::queue::Queue;

const WAIT: Duration = Duration::ZERO;

#[tokio::test]
async fn only_events_that_the_server_takes_leave_the_queue() {
    let server = Server::start(|asked| (if asked.body.contains("bad") { 500 } else { 204 }, Value::Null)).await;
    let queue = Memory::of([message(r#"{"id":"good"}"#), message(r#"{"id":"bad"}"#)]);
    let to = Url::parse(&format!("{}/events", server.url)).unwrap();
    let (_going, stop) = watch::channel(false);
    let forwarded = forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop).await.unwrap();
    assert_eq!(forwarded, Forwarded { taken: 1, left: 1 });
    assert_eq!(queue.depth().await.unwrap().in_flight, 1);
    assert_eq!(queue.hidden.borrow()[0].body, r#"{"id":"bad"}"#);
    let asked = server.asked();
    assert_eq!((asked[0].line.as_str(), asked[0].body.as_str()), ("POST /events", r#"{"id":"good"}"#));
    assert_eq!(asked[0].headers["content-type"], "application/cloudevents+json; charset=utf-8");
}

#[tokio::test]
async fn a_missing_server_takes_no_events() {
    let queue = Memory::of([message("{}")]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let to = Url::parse(&format!("http://{closed}")).unwrap();
    let (_going, stop) = watch::channel(false);
    let forwarded = forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop).await.unwrap();
    assert_eq!(forwarded, Forwarded { taken: 0, left: 1 });
    assert_eq!(queue.depth().await.unwrap().in_flight, 1);
}

#[tokio::test]
async fn a_stop_leaves_events_in_the_queue_and_visible() {
    let server = Server::start(|_| (204, Value::Null)).await;
    let queue = Memory::of([message("{}")]);
    let (_stopped, stop) = watch::channel(true);
    let to = Url::parse(&server.url).unwrap();
    let forwarded = forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop).await.unwrap();
    assert_eq!(forwarded, Forwarded::default());
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight, server.asked().len()), (1, 0, 0));
}
