//! Completions by the program itself, called like in bash's script.

use crate::fakes::{Asked, Server};
use crate::program::{run_in, text};
use serde_json::{Value, json};

/// Two tenants share a name, and one has no name.
fn answers(asked: &Asked) -> (u16, Value) {
    let tenants = json!({ "items": [
        { "id": "t-1", "name": "Nordfjord Trading", "company_id": "7000001" },
        { "id": "t-2", "name": "Twin", "company_id": "7000002" },
        { "id": "t-3", "name": "Twin" },
        { "id": "t-4" },
    ] });
    let settings = json!({ "VersionId": "1", "SecretString": fixtures::document().to_string() });
    match asked.line.as_str() {
        "GET /operations/v1/tenants" => (200, tenants),
        "POST /" => (200, settings),
        _ => (404, Value::Null),
    }
}

/// The candidates for the last word. Standard error must stay empty.
fn offered(words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let (words, index) = ([&["--", "visma-webhooks"][..], words].concat(), words.len().to_string());
    let asked = [
        ("VISMA_WEBHOOKS_COMPLETE", "bash"),
        ("VISMA_WEBHOOKS_COMPLETE_WAIT", "60000"),
        ("_CLAP_COMPLETE_INDEX", index.as_str()),
        ("_CLAP_IFS", "\n"),
    ];
    let output = run_in(&words, "", &[&asked[..], variables].concat());
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn completes_a_tenant_by_its_first_unique_name() {
    let server = Server::start(answers).await;
    let of = |typed: &str| offered(&["tail", "--api", &server.url, "--tenant", typed], &[]);
    assert_eq!(of(""), ["Nordfjord\\ Trading", "7000002", "t-3", "t-4"]);
    for typed in ["nord", "Nordfjord\\ T", "\"Nordfjord T"] {
        assert_eq!(of(typed), ["Nordfjord\\ Trading"], "{typed}");
    }
    assert_eq!(of("7"), ["7000001", "7000002"]);
    assert_eq!(of("t-"), ["t-1", "t-2", "t-3", "t-4"]);
    assert!(of("nobody").is_empty());
    let erased = offered(&["erase", "--api", &server.url, "--tenant", ""], &[]);
    assert_eq!(erased, ["t-1", "t-2", "t-3", "t-4"], "which takes an id only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn finds_the_stack_in_words_split_by_bash_and_in_a_variable() {
    let server = Server::start(answers).await;
    let port = server.url.rsplit(':').next().unwrap();
    let cut = ["tail", "--api", "http", ":", "//127.0.0.1", ":", port, "--tenant", "t-4"];
    assert_eq!(offered(&cut, &[]), ["t-4"]);
    let by_variable = offered(&["tail", "--tenant", "t-4"], &[("VISMA_WEBHOOKS_API", server.url.as_str())]);
    assert_eq!(by_variable, ["t-4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn completes_a_subscription_by_its_id_in_the_settings() {
    let server = Server::start(answers).await;
    let aws = [("AWS_ENDPOINT_URL", server.url.as_str())];
    let document = fixtures::document();
    let ids: Vec<&str> =
        document["subscriptions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    let set = ["--set", "SettingsSecretArn=settings"];
    for words in [&["subscriptions", "rotate", ""][..], &["send", "--subscription", ""]] {
        let offered = offered(&[&set[..], words].concat(), &aws);
        let offered: Vec<&str> = offered.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
        assert_eq!(offered, ids, "{words:?}");
    }
}

#[test]
fn completes_events_without_a_stack() {
    let offered = offered(&["send", "--event", "customer_u"], &[]);
    assert_eq!(offered, ["CUSTOMER_UPDATED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn completes_nothing_and_stays_silent_without_a_stack_sign_in_or_answer() {
    let server = Server::start(|_| (401, json!({ "message": "Unauthorized" }))).await;
    for words in [&["tail", "--tenant", ""], &["send", "--subscription", ""]] {
        for stack in [&[] as &[&str], &["--stack", "webhooks"], &["--local"], &["--stack"]] {
            let offered = offered(&[stack, words].concat(), &[("WEBHOOKS_STACK", "nowhere")]);
            assert!(offered.is_empty(), "{stack:?} {words:?}: {offered:?}");
        }
    }
    let refused = offered(&["tail", "--api", &server.url, "--tenant", ""], &[]);
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(server.all_asked().len(), 1, "it did ask");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn does_not_wait_for_late_answers() {
    let server = Server::start(answers).await;
    let words = ["tail", "--api", &server.url, "--tenant", ""];
    let late = offered(&words, &[("VISMA_WEBHOOKS_COMPLETE_WAIT", "0")]);
    assert!(late.is_empty(), "{late:?}");
}
