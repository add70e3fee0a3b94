//! `subscriptions` over a document that others change as well.

use clap::Parser;
use fixtures::TestHost;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use visma_webhooks::commands::operations::Uses;
use visma_webhooks::commands::subscriptions::carry_out;
use visma_webhooks::settings::{Documents, Version, changed_meanwhile};
use visma_webhooks::{Arguments, Command, Exit, Failure, Report};
use webhooks_model::observed::older_secret;
use webhooks_settings::Settings;

/// A secret in memory, that somebody else writes to just before us if `disturbed`.
pub(crate) struct Memory {
    pub(crate) text: RefCell<String>,
    pub(crate) version: Cell<u32>,
    pub(crate) disturbed: bool,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let text = RefCell::new(format!("{:#}", fixtures::document()));
        Self { text, version: Cell::new(1), disturbed: false }
    }
}

impl Documents for Memory {
    async fn read(&self) -> Result<Version, Failure> {
        Ok(Version { id: self.version.get().to_string(), text: self.text.borrow().clone() })
    }

    async fn replace(&self, read: &Version, text: &str) -> Result<(), Failure> {
        if self.disturbed {
            self.version.set(self.version.get() + 1);
        }
        if read.id != self.version.get().to_string() {
            return Err(changed_meanwhile());
        }
        *self.text.borrow_mut() = text.to_owned();
        self.version.set(self.version.get() + 1);
        Ok(())
    }
}

async fn run(memory: &Memory, command: &str) -> Result<Report, Failure> {
    run_knowing(memory, command, used(None)).await
}

/// What the operations API answers if nobody used an old secret of `all`, or somebody one of them.
fn used(old: Option<(&str, &str)>) -> Uses {
    let fact = |(secret, at)| {
        let fact = older_secret("all", secret).fact;
        json!({ "subject": fact.subject, "value": fact.value, "last_seen": at })
    };
    let facts: Vec<Value> = old.into_iter().map(fact).collect();
    Uses::of(&json!({ "items": [{ "question": "secret_rotation", "is_measured": true, "facts": facts }] }))
}

async fn run_knowing(memory: &Memory, command: &str, uses: Uses) -> Result<Report, Failure> {
    let words = ["visma-webhooks", "subscriptions"].into_iter().chain(command.split(' '));
    let Command::Subscriptions(command) = Arguments::try_parse_from(words).unwrap().command else {
        panic!("{command}")
    };
    carry_out(memory, &TestHost::default(), command, Some("https://api.example/"), async || uses).await
}

#[tokio::test]
async fn the_list_names_secrets_and_shows_none() {
    let report = run(&Memory::new(), "list").await.unwrap();
    assert!(report.text.contains("all  ") && report.text.contains("path token"), "{}", report.text);
    assert_eq!(report.json[0]["secrets"][0]["live"], true);
    assert!(!report.text.contains("canary") && !report.json.to_string().contains("canary"));
}

#[tokio::test]
async fn a_new_secret_is_shown_once_is_random_and_is_the_one_in_the_document() {
    let memory = Memory::new();
    let secret = async || run(&memory, "rotate all").await.unwrap().json["secret"].as_str().unwrap().to_owned();
    let (one, other) = (secret().await, secret().await);
    assert!(one != other && one.len() == 43, "{one} {other}");
    let settings = Settings::parse(&memory.text.borrow()).unwrap();
    let values: Vec<_> = settings.subscription("all").unwrap().secrets.iter().map(|one| one.value.reveal()).collect();
    assert_eq!(values, ["canary-signing-secret", &one, &other]);
    assert!(!run(&memory, "list").await.unwrap().text.contains(&one));
}

#[tokio::test]
async fn the_list_says_when_an_old_secret_was_last_used() {
    let memory = Memory::new();
    let list = run(&memory, "list").await.unwrap();
    assert!(list.json[0]["secrets"][0].get("last_used").is_none(), "no newer one replaces it");
    run(&memory, "rotate all --overlap 7d").await.unwrap();
    for (uses, told, last_used) in [
        (used(None), "1 (until 2026-11-30T12:00:00Z, not seen since the rotation), ", json!(null)),
        (
            used(Some(("1", "2026-11-23T11:00:00.5Z"))),
            "1 (until 2026-11-30T12:00:00Z, last used 2026-11-23T11:00:00Z), ",
            json!("2026-11-23T11:00:00Z"),
        ),
    ] {
        let list = run_knowing(&memory, "list", uses).await.unwrap();
        assert!(list.text.contains(told), "{}", list.text);
        let secrets = &list.json[0]["secrets"];
        assert_eq!((secrets[0].get("last_used"), secrets[1].get("last_used")), (Some(&last_used), None));
    }
}

#[tokio::test]
async fn the_list_says_why_the_last_use_of_an_old_secret_is_unknown() {
    let memory = Memory::new();
    run(&memory, "rotate all").await.unwrap();
    let unreachable = Uses::Unknown("the operations API answered 404".to_owned());
    for (uses, why) in [
        (unreachable, "the operations API answered 404"),
        (Uses::of(&json!({ "items": [] })), "the deployed version does not observe it"),
    ] {
        let list = run_knowing(&memory, "list", uses).await.unwrap();
        assert!(list.text.contains(&format!("is not known: {why}.")), "{}", list.text);
        assert!(list.text.contains("1 (until 2026-11-24T12:00:00Z), "), "{}", list.text);
        assert!(list.json[0]["secrets"][0].get("last_used").is_none());
    }
}

#[tokio::test]
async fn a_rotation_warns_of_an_old_secret_that_was_used_within_a_day() {
    for (at, warnings) in [
        ("2026-11-23T11:00:00Z", json!(["the old secret 1 was used at 2026-11-23T11:00:00Z"])),
        ("2026-11-22T11:00:00Z", json!([])),
    ] {
        let memory = Memory::new();
        let first = run_knowing(&memory, "rotate all", used(Some(("1", at)))).await.unwrap();
        assert_eq!(first.json["warnings"], json!([]), "it is the newest so far");
        let second = run_knowing(&memory, "rotate all", used(Some(("1", at)))).await.unwrap();
        assert_eq!(second.json["warnings"], warnings);
        assert_eq!(second.text.contains("warning: the old secret 1"), warnings != json!([]), "{}", second.text);
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let memory = Memory::new();
    let before = memory.text.borrow().clone();
    let report = run(&memory, "add --id new --route other --dry-run").await.unwrap();
    assert!(report.text.contains("+       \"id\": \"new\","), "{}", report.text);
    assert_eq!((report.json.get("secret"), &*memory.text.borrow()), (None, &before));
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let memory = Memory { disturbed: true, ..Memory::new() };
    let before = memory.text.borrow().clone();
    let refused = run(&memory, "disable all").await.unwrap_err();
    assert_eq!((refused.exit, &*memory.text.borrow()), (Exit::Refused, &before));
}

#[tokio::test]
async fn the_address_of_a_new_subscription_is_told_whole() {
    let report = run(&Memory::new(), "add --id new --route orders --event SALESORDER_CREATED").await.unwrap();
    assert!(report.text.contains("https://api.example/hooks/visma/orders"), "{}", report.text);
    let older = run(&Memory::new(), "add --id older --route legacy --channel legacy").await.unwrap();
    let token = older.json["secret"].as_str().unwrap();
    assert!(older.text.contains(&format!("https://api.example/hooks/visma/legacy/{token}")), "{}", older.text);
    for report in [report, older] {
        assert!(!report.text.contains('{'), "{}", report.text);
    }
}

#[tokio::test]
async fn a_disabled_subscription_is_let_in_again_by_enable_and_by_no_rotation_alone() {
    let memory = Memory::new();
    let enabled = async || run(&memory, "list").await.unwrap().json[0]["enabled"].clone();
    run(&memory, "disable all").await.unwrap();
    assert!(run(&memory, "list").await.unwrap().text.contains("disabled: 1"));
    let refused = run(&memory, "rotate all").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.advice.contains("rotate all --enable"), "{}", refused.advice);
    assert_eq!(enabled().await, false);
    run(&memory, "enable all").await.unwrap();
    assert_eq!(enabled().await, true);
    assert_eq!(run(&memory, "enable all").await.unwrap_err().exit, Exit::Refused, "it is not disabled");
    run(&memory, "disable all").await.unwrap();
    run(&memory, "rotate all --enable").await.unwrap();
    let list = run(&memory, "list").await.unwrap().json;
    let live: Vec<_> = list[0]["secrets"].as_array().unwrap().iter().map(|one| one["live"].clone()).collect();
    assert_eq!(live, [false, true], "the old secret stays dead");
}

#[tokio::test]
async fn a_subscription_is_removed_once_it_is_disabled() {
    let memory = Memory::new();
    let refused = run(&memory, "remove all").await.unwrap_err();
    assert!(refused.exit == Exit::Refused && refused.advice.contains("disable all"), "{refused}");
    run(&memory, "disable all").await.unwrap();
    run(&memory, "remove all --dry-run").await.unwrap();
    assert_eq!(run(&memory, "list").await.unwrap().json[0]["id"], "all");
    run(&memory, "remove all").await.unwrap();
    let left = run(&memory, "list").await.unwrap().json;
    assert_eq!((left.as_array().unwrap().len(), &left[0]["id"]), (1, &json!("legacy")));
}

#[tokio::test]
async fn an_event_of_no_catalogue_is_a_usage_error() {
    let failure = run(&Memory::new(), "add --id new --event ACCOUNT_CHANGD").await.unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
}
