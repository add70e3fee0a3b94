//! `settings` and `client` change one thing in the document, keep every other byte, and write it to
//! Secrets Manager unless someone else has changed it.

use crate::fakes::{Asked, Server};
use crate::subscriptions::Memory;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use clap::Parser;
use serde_json::{Value, json};
use std::cell::RefCell;
use visma_webhooks::commands::settings::{carry_out, set_client_with};
use visma_webhooks::settings::{Documents, SecretsManager, Version, entries};
use visma_webhooks::{Arguments, Command, Exit, Failure, Report};

const TENANT: &str = "20000000-0000-4000-8000-000000000002";

async fn run(memory: &Memory, command: &str) -> Result<Report, Failure> {
    let words = ["visma-webhooks", "settings"].into_iter().chain(command.split(' '));
    let Command::Settings(command) = Arguments::try_parse_from(words).unwrap().command else { panic!("{command}") };
    carry_out(memory, command).await
}

fn document(memory: &Memory) -> Value {
    memory.text.borrow().parse().unwrap()
}

#[tokio::test]
async fn adding_and_removing_restores_the_document() {
    for (add, remove) in [
        (format!("tenants add {TENANT} --company-id 7654321 --silence-hours 0"), format!("tenants remove {TENANT}")),
        ("routes add sales_order.* --feedback deferred".to_owned(), "routes remove sales_order.*".to_owned()),
    ] {
        let memory = Memory::new();
        let before = document(&memory);
        run(&memory, &add).await.unwrap();
        assert_ne!(document(&memory), before, "{add}");
        assert_eq!(run(&memory, &add).await.unwrap_err().exit, Exit::Refused, "{add} twice");
        run(&memory, &remove).await.unwrap();
        assert_eq!(document(&memory), before, "{remove}");
        assert_eq!(run(&memory, &remove).await.unwrap_err().exit, Exit::NotFound, "{remove} twice");
    }
}

/// Settings whose two subscriptions serve these tenants.
fn serving(all: Value, legacy: Value) -> Memory {
    let mut document = fixtures::document();
    document["subscriptions"][0]["tenants"] = all;
    document["subscriptions"][1]["tenants"] = legacy;
    Memory { text: RefCell::new(format!("{document:#}")), ..Memory::new() }
}

#[tokio::test]
async fn refuses_to_remove_a_tenant_that_a_subscription_names() {
    for (all, legacy, naming) in [
        (json!([fixtures::TENANT]), json!(["*"]), ": all"),
        (json!([TENANT, fixtures::TENANT.to_uppercase()]), json!([fixtures::TENANT]), ": all, legacy"),
    ] {
        let memory = serving(all, legacy);
        let before = document(&memory);
        let refused = run(&memory, &format!("tenants remove {}", fixtures::TENANT)).await.unwrap_err();
        assert!(refused.exit == Exit::Refused && refused.what.ends_with(naming), "{refused}");
        assert!(refused.advice.contains("--from-subscriptions"), "{}", refused.advice);
        assert_eq!(document(&memory), before);
    }
}

#[tokio::test]
async fn takes_a_removed_tenant_out_of_its_subscriptions_and_tells_what_they_serve() {
    let own = fixtures::TENANT;
    let sole = format!("all serves only {TENANT} now: what the removed tenant still sends to it counts as {TENANT}'s");
    let none = "all serves no tenant any more, so nothing that it delivers is processed";
    for (before, after, warnings) in [
        (json!([own.to_uppercase(), TENANT]), json!([TENANT]), json!([sole])),
        (json!([own]), json!([]), json!([none])),
        (json!(["a", own, own, "b"]), json!(["a", "b"]), json!([])),
        (json!(["*", own]), json!(["*"]), json!([])),
        (json!(["*"]), json!(["*"]), json!([])),
    ] {
        let memory = serving(before, json!(["*"]));
        let report = run(&memory, &format!("tenants remove {own} --from-subscriptions")).await.unwrap();
        let document = document(&memory);
        assert_eq!((&document["tenants"], &document["subscriptions"][0]["tenants"]), (&json!([]), &after));
        assert_eq!(document["subscriptions"][1]["tenants"], json!(["*"]));
        assert_eq!(report.json["warnings"], warnings, "{after}");
        assert_eq!(report.text.contains("\nwarning: all serves "), warnings != json!([]), "{}", report.text);
    }
}

#[tokio::test]
async fn writes_each_option() {
    let memory = Memory::new();
    let options = "--name Kyst --company-id 7654321 --silence-hours 0 --language nb";
    run(&memory, &format!("tenants add {TENANT} {options}")).await.unwrap();
    run(&memory, "aliases add KontoEndret=account_changed").await.unwrap();
    run(&memory, "routes add customer.* --no-fetch --deadline-hours 48").await.unwrap();
    run(&memory, "routes add sales_order.* --feedback none --no-publish --first").await.unwrap();
    let document = document(&memory);
    let tenant = json!({ "id": TENANT, "name": "Kyst", "company_id": "7654321", "silence_hours": 0, "language": "nb" });
    assert_eq!(document["tenants"][1], tenant);
    assert_eq!(document["event_aliases"], json!({ "KontoEndret": "ACCOUNT_CHANGED" }));
    let [first, second] = [&document["routes"][0], &document["routes"][1]];
    assert_eq!(
        (&first["events"], &first["feedback"], &first["publish"]),
        (&json!("sales_order.*"), &json!("none"), &json!(false))
    );
    assert_eq!(
        (&second["events"], &second["fetch"], &second["deadline_hours"]),
        (&json!("customer.*"), &json!(false), &json!(48))
    );
    run(&memory, "aliases remove KontoEndret").await.unwrap();
    assert_eq!(self::document(&memory)["event_aliases"], json!({}));
}

#[tokio::test]
async fn writes_no_invalid_document_and_nothing_in_a_dry_run() {
    let memory = Memory::new();
    let before = memory.text.borrow().clone();
    for wrong in ["tenants add a/b", "tenants add a --language de", "routes add account.* --deadline-hours 1000"] {
        assert_eq!(run(&memory, wrong).await.unwrap_err().exit, Exit::Refused, "{wrong}");
    }
    let report = run(&memory, &format!("tenants add {TENANT} --dry-run")).await.unwrap();
    assert!(report.text.contains(TENANT), "{}", report.text);
    assert_eq!(*memory.text.borrow(), before);
}

#[tokio::test]
async fn shows_the_document_without_secrets() {
    let report = run(&Memory::new(), "show").await.unwrap();
    assert!(report.text.contains("[secret]") && !report.text.contains("canary"), "{}", report.text);
    assert_eq!(report.json["visma"]["client_id"], "client");
}

#[test]
fn removes_the_first_the_last_and_the_only_name() {
    let whole = |aliases: &str| {
        let mut document = fixtures::document();
        document["event_aliases"] = json!("here");
        document.to_string().replace("\"here\"", aliases)
    };
    let two = whole(r#"{ "a":"ACCOUNT_CHANGED" , "b": "CUSTOMER_UPDATED" }"#);
    let first = entries::remove_alias(&two, "a").unwrap();
    assert_eq!(first, whole(r#"{ "b": "CUSTOMER_UPDATED" }"#));
    assert_eq!(entries::remove_alias(&two, "b").unwrap(), whole(r#"{ "a":"ACCOUNT_CHANGED" }"#));
    assert_eq!(entries::remove_alias(&first, "b").unwrap(), whole("{}"));
    assert_eq!(entries::remove_alias(&first, "a").unwrap_err().exit, Exit::NotFound);
}

async fn set_client(memory: &Memory, options: &str, secret: &str) -> Result<Report, Failure> {
    let words = ["visma-webhooks", "client", "--secret-stdin"].into_iter().chain(options.split(' '));
    let Command::Client(options) = Arguments::try_parse_from(words).unwrap().command else { panic!("{options}") };
    set_client_with(memory, options, secret).await
}

fn visma(memory: &Memory) -> Value {
    let document: Value = serde_json::from_str(&memory.text.borrow()).unwrap();
    document["visma"].clone()
}

#[tokio::test]
async fn sets_id_and_secret_and_nothing_else() {
    let memory = Memory::new();
    let mut expected = visma(&memory);
    let report = set_client(&memory, "--id isv_new", "canary-new").await.unwrap();
    expected["client_id"] = "isv_new".into();
    expected["client_secret"] = "canary-new".into();
    assert_eq!(visma(&memory), expected);
    assert!(!report.text.contains("canary") && !report.json.to_string().contains("canary"));
}

#[tokio::test]
async fn a_dry_run_shows_the_id_and_no_secret() {
    let memory = Memory::new();
    let before = visma(&memory);
    let report = set_client(&memory, "--id isv_new --dry-run", "canary-new").await.unwrap();
    assert!(report.text.contains("+     \"client_id\": \"isv_new\""), "{}", report.text);
    assert!(!report.text.contains("canary"), "{}", report.text);
    assert_eq!(visma(&memory), before);
}

#[tokio::test]
async fn refuses_a_secret_with_a_blank_at_its_end() {
    let memory = Memory::new();
    let refused = set_client(&memory, "--id isv_new", "canary-new ").await.unwrap_err();
    assert!(refused.to_string().contains("secret_padded"), "{refused}");
    assert_eq!(refused.exit, Exit::Refused);
}

#[tokio::test]
async fn overwrites_nothing_that_was_changed_meanwhile() {
    let memory = Memory { disturbed: true, ..Memory::new() };
    let before = visma(&memory);
    assert_eq!(set_client(&memory, "--id isv_new", "canary-new").await.unwrap_err().exit, Exit::Refused);
    assert_eq!(visma(&memory), before);
}

fn action(asked: &Asked) -> &str {
    asked.headers["x-amz-target"].to_str().unwrap().trim_start_matches("secretsmanager.")
}

fn taken(asked: &Asked) -> (u16, Value) {
    match action(asked) {
        "PutSecretValue" => (200, json!({ "VersionId": "new" })),
        _ => (200, json!({})),
    }
}

/// The label has moved to this version before.
fn moved_to(current: &str, asked: &Asked) -> (u16, Value) {
    match action(asked) {
        "GetSecretValue" => (200, json!({ "VersionId": current, "SecretString": "{}" })),
        "PutSecretValue" => taken(asked),
        _ => {
            (400, json!({ "__type": "InvalidParameterException", "Message": format!("attached to version {current}") }))
        }
    }
}

fn documents(server: &Server) -> SecretsManager {
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-north-1"));
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = config.endpoint_url(&server.url).credentials_provider(credentials).build();
    SecretsManager::new(Client::from_conf(config), "settings".into())
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_shown() {
    let server = Server::start(|_| (200, json!("{\"SecretString\":\"canary"))).await;
    let Err(failure) = documents(&server).read().await else { panic!("it was read") };
    assert!(failure.exit == Exit::Unavailable && !failure.what.contains("canary"), "{failure}");
}

fn read() -> Version {
    Version { id: "old".into(), text: "{}".into() }
}

#[tokio::test]
async fn a_new_text_replaces_only_the_version_that_was_read() {
    let server = Server::start(taken).await;
    documents(&server).replace(&read(), "{\"version\":1}").await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.iter().map(action).collect::<Vec<_>>(), ["PutSecretValue", "UpdateSecretVersionStage"]);
    let bodies: Vec<Value> = asked.iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    // Without its own label, Secrets Manager would make it the current one at once.
    assert_eq!(bodies[0]["VersionStages"], json!(["visma-webhooks"]));
    let moved = ["VersionStage", "MoveToVersionId", "RemoveFromVersionId"].map(|name| &bodies[1][name]);
    assert_eq!(moved, ["AWSCURRENT", "new", "old"]);
}

#[tokio::test]
async fn keeps_a_version_that_someone_else_wrote_meanwhile() {
    let server = Server::start(|asked| moved_to("other", asked)).await;
    let refused = documents(&server).replace(&read(), "{}").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.advice.contains("Run the command again"), "{}", refused.advice);
}

#[tokio::test]
async fn a_repeated_request_whose_first_answer_was_lost_has_replaced_the_text() {
    let server = Server::start(|asked| moved_to("new", asked)).await;
    assert!(documents(&server).replace(&read(), "{}").await.is_ok());
}
