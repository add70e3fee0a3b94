//! `--tenant` accepts the names that people use.

use crate::fakes::{Asked, Server};
use crate::operations::run;
use serde_json::{Value, json};
use visma_webhooks::Exit;

const OTHER: &str = "20000000-0000-4000-8000-000000000002";

fn answers(asked: &Asked) -> (u16, Value) {
    match asked.line.split('?').next().unwrap() {
        "GET /operations/v1/tenants" => (
            200,
            json!({ "items": [
                { "id": "t-1", "name": "Ål & Sønn", "company_id": "1234567", "is_silent": false },
                { "id": "t-2", "name": "Twin", "is_silent": false },
                { "id": "t-3", "name": "Twin", "is_silent": false },
                { "id": "t-4", "is_silent": true },
            ] }),
        ),
        "GET /operations/v1/notifications" if asked.line.contains("tenant=2000") => (200, json!({ "items": [] })),
        "GET /operations/v1/search" => {
            (200, json!({ "items": [], "searched_to": "2026-08-25T12:01:00Z", "tenants": 1 }))
        }
        "GET /operations/v1/notifications" => (200, json!({ "items": [{ "ref": "abc" }] })),
        _ => (404, json!({ "code": "unknown_notification" })),
    }
}

#[tokio::test]
async fn finds_a_tenant_by_name_company_number_and_id() {
    let server = Server::start(answers).await;
    for tenant in ["1234567", "t-1", "T-1"] {
        run(&server, &format!("tail --tenant {tenant} --once")).await.unwrap();
        assert!(server.asked().pop().unwrap().line.contains("?tenant=t-1&"), "{tenant}");
    }
    let words = ["tail", "--once", "--tenant=ål & sønn"];
    crate::operations::run_words(&server, &words).await.unwrap();
    assert!(server.asked().pop().unwrap().line.contains("?tenant=t-1&"));
}

#[tokio::test]
async fn get_searches_the_tenant_with_this_name() {
    let server = Server::start(answers).await;
    run(&server, "get C1013 --tenant 1234567").await.unwrap_err();
    let last = server.asked().pop().unwrap().line;
    assert!(last.contains("/search?") && last.contains("&tenant=t-1"), "{last}");
    assert_eq!(run(&server, "get C1013 --tenant Twim").await.unwrap_err().advice, "Did you mean: Twin?");
}

#[tokio::test]
async fn an_unknown_tenant_is_an_error_with_similar_names() {
    let server = Server::start(answers).await;
    let failure = run(&server, "tail --tenant Twim --once").await.unwrap_err();
    assert_eq!((failure.exit, failure.what.as_str()), (Exit::NotFound, "no tenant is called Twim"));
    assert_eq!(failure.advice, "Did you mean: Twin?");
    for command in ["stats --tenant nobody", "attention --tenant nobody", "pauses begin --events * --tenant nobody"] {
        assert_eq!(run(&server, command).await.unwrap_err().exit, Exit::NotFound, "{command}");
    }
    assert!(server.asked().is_empty(), "nothing else is asked: {:?}", server.asked());
}

#[tokio::test]
async fn an_ambiguous_name_is_an_error_with_the_tenants_ids() {
    let server = Server::start(answers).await;
    let failure = run(&server, "tail --tenant twin --once").await.unwrap_err();
    assert_eq!((failure.exit, failure.advice.as_str()), (Exit::Usage, "Say which: t-2, t-3."));
}

#[tokio::test]
async fn accepts_an_unlisted_id_with_notifications() {
    let server = Server::start(answers).await;
    let known = "30000000-0000-4000-8000-000000000003";
    assert_eq!(run(&server, &format!("tail --tenant {known} --once")).await.unwrap().json[0]["ref"], "abc");
    let failure = run(&server, &format!("tail --tenant {OTHER} --once")).await.unwrap_err();
    assert_eq!(failure.exit, Exit::NotFound, "and not an empty table");
}

#[tokio::test]
async fn takes_the_text_for_an_id_without_a_directory() {
    let server = Server::start(|asked| match asked.line.ends_with("/tenants") {
        true => (403, json!({ "code": "forbidden" })),
        false => (200, json!({ "items": [{ "ref": "abc" }] })),
    })
    .await;
    run(&server, "tail --tenant t-9 --once").await.unwrap();
    assert!(server.asked().pop().unwrap().line.contains("?tenant=t-9&"));
}

#[tokio::test]
async fn takes_an_id_as_it_is_while_the_directory_is_empty_or_absent() {
    let empty = Server::start(|_| (200, json!({ "items": [] }))).await;
    let absent = Server::start(|asked| match asked.line.ends_with("/tenants") {
        true => (404, json!({ "code": "not_found" })),
        false => (200, json!({ "items": [] })),
    })
    .await;
    for server in [empty, absent] {
        let report = run(&server, &format!("tail --tenant {OTHER} --once")).await.unwrap();
        assert_eq!(report.json, json!([]), "nothing has come of it, and that is no error");
        let lines: Vec<String> = server.asked().into_iter().map(|asked| asked.line).collect();
        assert!(lines.len() == 1 && lines[0].contains(&format!("?tenant={OTHER}&")), "{lines:?}");
    }
}

#[tokio::test]
async fn shows_the_directory_with_names_and_silent_tenants() {
    let server = Server::start(answers).await;
    let report = run(&server, "tenants").await.unwrap();
    let lines: Vec<&str> = report.text.lines().collect();
    assert!(lines[1].starts_with("Ål & Sønn") && lines[1].ends_with("t-1"), "{}", report.text);
    assert!(lines[4].contains("silent") && lines[4].ends_with("t-4"), "{}", report.text);
    assert_eq!(report.json[0]["company_id"], "1234567");
}
