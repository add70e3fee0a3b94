//! `tail` shows each change once, and reports unknown names.

use crate::operations::run;
use crate::server::Server;
use serde_json::{Value, json};
use visma_webhooks::Exit;
use visma_webhooks::commands::operations::News;

fn item(name: &str, minute: u8, state: &str) -> Value {
    json!({ "ref": name, "state": state, "received_at": format!("2026-11-23T12:{minute:02}:00Z") })
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["ref"].as_str().unwrap()).collect()
}

#[test]
fn notifications_over_the_first_limit_stay_hidden() {
    let list: Vec<Value> = (0..5).rev().map(|n| item(&n.to_string(), n, "processed")).collect();
    let (mut news, first) = News::begin(&list, 2);
    assert_eq!(names(&first), ["3", "4"]);
    assert!(news.of(&list).is_empty(), "all of it was there before");
    let older = item("older", 0, "dead");
    let before = json!({ "ref": "before", "state": "dead", "received_at": "2026-11-23T11:59:59.5Z" });
    let now = [item("new", 9, "processed"), item("1", 1, "dead"), older, before];
    assert_eq!(names(&news.of(&now)), ["older", "1", "new"], "what came before the list's end is no news");
}

#[test]
fn everything_is_new_after_an_empty_list() {
    let (mut news, first) = News::begin(&[], 20);
    assert!(first.is_empty());
    let list = [item("1", 1, "retrying")];
    assert_eq!(names(&news.of(&list)), ["1"]);
    assert!(news.of(&list).is_empty());
    assert_eq!(names(&news.of(&[item("1", 1, "processed")])), ["1"], "it has changed");
}

#[tokio::test]
async fn an_unknown_event_without_notifications_is_an_error_with_similar_names() {
    let server = Server::start(|_| (200, json!({ "items": [] }))).await;
    let failure = run(&server, "tail --tenant t-1 --event ACCOUNT_CHANGD --once").await.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.advice.contains("ACCOUNT_CHANGED"), "{}", failure.advice);
    assert_eq!(run(&server, "tail --tenant t-1 --event bogus --once").await.unwrap_err().exit, Exit::Usage);
    assert_eq!(run(&server, "tail --tenant t-1 --event ACCOUNT_CHANGED --once").await.unwrap().json, json!([]));
}

#[tokio::test]
async fn finds_names_of_notifications_and_canonicalises_names_of_the_catalogue() {
    let server = Server::start(|_| (200, json!({ "items": [{ "ref": "abc" }] }))).await;
    assert_eq!(run(&server, "tail --tenant t-1 --event KontoEndret --once").await.unwrap().json[0]["ref"], "abc");
    run(&server, "tail --tenant t-1 --event account_changed --once").await.unwrap();
    assert!(server.asked()[1].line.ends_with("event=ACCOUNT_CHANGED"), "{:?}", server.asked());
}
