//! What a shell is offered, by the program itself as bash's script calls it.

use crate::program::{run_in, text};
use crate::server::{Asked, Server};
use serde_json::{Value, json};

/// Two have one name, one has none.
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

/// For the last of the words. Nothing is ever told on standard error.
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
async fn a_tenant_is_offered_by_the_first_of_its_names_that_means_it_alone() {
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
async fn the_stack_may_be_named_by_words_that_bash_has_cut_and_by_a_variable() {
    let server = Server::start(answers).await;
    let port = server.url.rsplit(':').next().unwrap();
    let cut = ["tail", "--api", "http", ":", "//127.0.0.1", ":", port, "--tenant", "t-4"];
    assert_eq!(offered(&cut, &[]), ["t-4"]);
    let by_variable = offered(&["tail", "--tenant", "t-4"], &[("VISMA_WEBHOOKS_API", server.url.as_str())]);
    assert_eq!(by_variable, ["t-4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_is_offered_by_its_id_in_the_settings() {
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
fn an_event_is_offered_from_the_catalogue_without_a_stack() {
    let offered = offered(&["send", "--event", "customer_u"], &[]);
    assert_eq!(offered, ["CUSTOMER_UPDATED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_stack_a_sign_in_or_an_answer_nothing_is_offered_and_nothing_told() {
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
async fn what_is_not_answered_in_time_is_not_waited_for() {
    let server = Server::start(answers).await;
    let words = ["tail", "--api", &server.url, "--tenant", ""];
    let late = offered(&words, &[("VISMA_WEBHOOKS_COMPLETE_WAIT", "0")]);
    assert!(late.is_empty(), "{late:?}");
}
