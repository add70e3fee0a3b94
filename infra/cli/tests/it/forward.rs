//! `forward` passes events to a local server, and keeps those that it does not take.

use crate::fakes::{Asked, Memory, Server, message};
use crate::program::{run_in, text};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use url::Url;
use visma_webhooks::Exit;
use visma_webhooks::commands::forward::{Forwarded, forward, report};
use visma_webhooks::queue::Queue;

const WAIT: Duration = Duration::ZERO;

#[tokio::test]
async fn only_events_that_the_server_takes_leave_the_queue() {
    let server = Server::start(|asked| (if asked.body.contains("bad") { 500 } else { 204 }, Value::Null)).await;
    let queue = Memory::of([message(r#"{"id":"good"}"#), message(r#"{"id":"bad"}"#)]);
    let to = Url::parse(&format!("{}/events", server.url)).unwrap();
    let (_going, stop) = watch::channel(false);
    let mut done = Forwarded::default();
    let received = forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop, &mut done).await.unwrap();
    assert_eq!((received, done.taken, done.left.len()), (2, 1, 1));
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
    let mut done = Forwarded::default();
    forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop, &mut done).await.unwrap();
    assert_eq!((done.taken, done.left.len()), (0, 1));
    assert_eq!(queue.depth().await.unwrap().in_flight, 1);
}

#[tokio::test]
async fn a_stop_leaves_events_in_the_queue_and_visible() {
    let server = Server::start(|_| (204, Value::Null)).await;
    let queue = Memory::of([message("{}")]);
    let (_stopped, stop) = watch::channel(true);
    let to = Url::parse(&server.url).unwrap();
    let mut done = Forwarded::default();
    forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop, &mut done).await.unwrap();
    assert_eq!(done, Forwarded::default());
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight, server.asked().len()), (1, 0, 0));
}

/// Takes an event at the third time.
fn at_last(_: &Asked) -> (u16, Value) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    (if ASKED.fetch_add(1, Ordering::SeqCst) < 2 { 500 } else { 204 }, Value::Null)
}

#[tokio::test]
async fn an_event_that_comes_again_is_left_once_and_then_taken() {
    let server = Server::start(at_last).await;
    let to = Url::parse(&server.url).unwrap();
    let (_going, stop) = watch::channel(false);
    let mut done = Forwarded::default();
    for expected in [(0, 1), (0, 1), (1, 0)] {
        let queue = Memory::of([message("{}")]);
        forward(&queue, &reqwest::Client::new(), &to, WAIT, &stop, &mut done).await.unwrap();
        assert_eq!((done.taken, done.left.len()), expected);
    }
}

#[test]
fn fails_if_events_were_left_unless_it_was_interrupted() {
    let done = |left: &[&str]| Forwarded { taken: 2, left: left.iter().map(|id| (*id).to_owned()).collect() };
    for (done, is_stopped, exit) in [
        (done(&[]), false, Exit::Ok),
        (done(&["1"]), false, Exit::Failed),
        (done(&["1"]), true, Exit::Interrupted),
        (done(&[]), true, Exit::Interrupted),
    ] {
        let report = report(&done, is_stopped);
        assert_eq!((report.exit, &report.json["left"]), (exit, &json!(done.left.len())));
    }
}

/// A queue with one event, which is also a proxy.
fn queue_and_proxy(asked: &Asked) -> (u16, Value) {
    static RECEIVED: AtomicUsize = AtomicUsize::new(0);
    let is_received = asked.headers.get("x-amz-target").is_some_and(|target| target == "AmazonSQS.ReceiveMessage");
    match is_received && RECEIVED.fetch_add(1, Ordering::SeqCst) == 0 {
        true => (200, json!({ "Messages": [{ "MessageId": "1", "ReceiptHandle": "1", "Body": "{}" }] })),
        false => (200, json!({})),
    }
}

#[tokio::test]
async fn gives_events_to_no_proxy() {
    let server = Server::start(queue_and_proxy).await;
    let url = server.url.clone();
    let program = move || {
        // Nothing listens on this port.
        let words =
            ["forward", "--once", "--to", "http://127.0.0.1:1/events", "--set", "EventsQueueUrl=http://queue/1"];
        run_in(&words, "", &[("AWS_ENDPOINT_URL", url.as_str()), ("http_proxy", url.as_str())])
    };
    let output = tokio::task::spawn_blocking(program).await.unwrap();
    assert!(text(&output.stderr).contains("no answer"), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "0 taken, 1 left on the queue; they come again within a minute\n");
    assert_eq!(output.status.code(), Some(1), "a script must not take it for done");
    assert!(server.asked().iter().all(|asked| !asked.line.contains("/events")), "{:?}", server.asked());
}
