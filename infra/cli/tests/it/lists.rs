//! Lists of the operations API over several pages, and `tail`, which shows each change once.

use crate::fakes::{Asked, Server};
use crate::operations::run;
use serde_json::{Value, json};
use visma_webhooks::Exit;
use visma_webhooks::commands::operations::News;

/// Thirty pages, of which a filter leaves only something on the last one.
fn on_page_thirty(asked: &Asked) -> (u16, Value) {
    let page: u32 = asked.line.split_once("cursor=").map_or(1, |(_, page)| page.parse().unwrap());
    match page {
        30 => (200, json!({ "items": [{ "ref": "late" }] })),
        _ => (200, json!({ "items": [], "next": (page + 1).to_string() })),
    }
}

#[tokio::test]
async fn says_that_there_is_nothing_only_after_the_last_page() {
    let server = Server::start(on_page_thirty).await;
    let attention = run(&server, "attention --kind dead --limit 1").await.unwrap();
    assert_eq!(attention.json, json!([{ "ref": "late", "kind": "dead" }]));
    let asked: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert!(asked[0].ends_with("&limit=1") && asked[1].ends_with("&limit=100&cursor=2"), "{asked:?}");
    assert_eq!(run(&server, "tail --tenant t-1 --state dead --once").await.unwrap().json, json!([{ "ref": "late" }]));
}

/// Not answers of the API: another page, nothing, and a beginning.
fn foreign(asked: &Asked) -> (u16, Value) {
    let kind = asked.line.split(['=', '&']).nth(1).unwrap();
    match kind {
        "dead" => (200, json!("<html>Sign in</html>")),
        "parked" => (200, json!("")),
        _ => (200, json!("{\"items\": [")),
    }
}

#[tokio::test]
async fn an_answer_without_json_is_no_empty_list() {
    let server = Server::start(foreign).await;
    for kind in ["dead", "parked", "paused"] {
        let failure = run(&server, &format!("attention --kind {kind}")).await.unwrap_err();
        assert!(failure.exit == Exit::Failed && failure.what.ends_with("without JSON"), "{kind}: {failure}");
    }
}

#[tokio::test]
async fn a_list_says_that_it_is_cut() {
    let server = Server::start(|_| (200, json!({ "items": [{ "ref": "1" }, { "ref": "2" }], "next": "more" }))).await;
    let failed = "jobs failed 0199a3c4-5b6d-7e8f-9012-3456789abcde";
    for command in ["attention --kind dead", "audit", failed, "tail --tenant t-1 --once"] {
        let report = run(&server, &format!("{command} --limit 2")).await.unwrap();
        assert!(report.text.ends_with("\n\nThere may be more: give a larger --limit."), "{}", report.text);
        assert_eq!(report.json.as_array().unwrap().len(), 2, "{command}");
    }
}

#[tokio::test]
async fn a_list_that_leaves_something_out_does_not_say_that_it_is_all() {
    let server = Server::start(|asked| match asked.line.split(['/', '?']).nth(3) {
        Some("attention") => (200, json!({ "items": [], "left_out": 1 })),
        Some("search") => (200, json!({ "items": [{ "ref": "1" }, { "ref": "2" }], "left_out": 3 })),
        _ => (404, json!({ "code": "unknown_notification" })),
    })
    .await;
    assert_eq!(run(&server, "attention").await.unwrap().text, "");
    let found = run(&server, "get C1013").await.unwrap();
    assert!(found.text.contains("That is not all.") && found.json["left_out"] == 3, "{found:?}");
}

#[tokio::test]
async fn json_of_another_server_is_no_empty_list() {
    let server = Server::start(|_| (200, json!({ "status": "ok" }))).await;
    let lists = ["attention", "audit", "jobs list", "observed", "quotas", "pauses list", "tenants"];
    for command in lists.into_iter().chain(["tail --tenant t-1 --once"]) {
        let failure = run(&server, command).await.unwrap_err();
        assert!(failure.exit == Exit::Failed && failure.what.ends_with("without a list"), "{command}: {failure}");
    }
}

#[tokio::test]
async fn says_that_a_queue_counts_dead_letters_but_gives_none() {
    let server = Server::start(|_| {
        let queue =
            |name: &str, waiting: u32| json!({ "name": name, "waiting": waiting, "in_flight": 0, "sample": [] });
        (200, json!({ "queues": [queue("events", 3), queue("feedback", 0)] }))
    })
    .await;
    let report = run(&server, "dead-letters list").await.unwrap();
    assert!(report.text.contains("events: about 3 waiting") && report.text.contains("look again"), "{}", report.text);
}

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
