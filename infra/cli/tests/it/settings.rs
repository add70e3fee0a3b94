//! `settings` changes one thing in the document, and keeps every other byte.

use crate::subscriptions::Memory;
use clap::Parser;
use serde_json::{Value, json};
use std::cell::RefCell;
use visma_webhooks::commands::settings::carry_out;
use visma_webhooks::settings::lists;
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
    let first = lists::remove_alias(&two, "a").unwrap();
    assert_eq!(first, whole(r#"{ "b": "CUSTOMER_UPDATED" }"#));
    assert_eq!(lists::remove_alias(&two, "b").unwrap(), whole(r#"{ "a":"ACCOUNT_CHANGED" }"#));
    assert_eq!(lists::remove_alias(&first, "b").unwrap(), whole("{}"));
    assert_eq!(lists::remove_alias(&first, "a").unwrap_err().exit, Exit::NotFound);
}
