//! Checks the template's roles and the sources against the calls of `calls.json`.

use roles::{Account, Decision, Effect, Judge, Request, listed, page};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn judge() -> Judge {
    Judge::new(Account::new("webhooks"))
}

#[test]
fn every_role_has_a_list() {
    let (judge, list) = (judge(), listed());
    let (roles, lists): (BTreeSet<&String>, BTreeSet<&String>) = (judge.roles().collect(), list.keys().collect());
    assert_eq!(roles, lists);
}

#[test]
fn the_page_matches_the_template() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/ROLES.md");
    let page = page(&judge(), &listed());
    if std::env::var_os("WRITE_ROLES").is_some() {
        fs::write(path, &page).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "WRITE_ROLES=1 cargo test -p roles writes infra/ROLES.md");
}

#[test]
fn every_role_allows_its_calls() {
    let judge = judge();
    let mut refused = vec![];
    for (role, calls) in listed() {
        let decisions = calls.all().map(|call| (call, judge.decide(&role, &judge.request(call))));
        refused.extend(
            decisions
                .filter(|(_, said)| *said != Decision::Allowed)
                .map(|(call, said)| format!("{role}: {call}: {said:?}")),
        );
    }
    assert!(refused.is_empty(), "AWS would refuse these: {refused:#?}");
}

#[test]
fn every_permission_is_used_or_has_a_reason() {
    let judge = judge();
    for (role, calls) in listed() {
        let is_used = |statement: &roles::Statement| calls.all().any(|call| statement.applies(&judge.request(call)));
        let grants = judge.grants(&role, Effect::Allow);
        let spare: BTreeSet<String> = grants
            .iter()
            .filter(|grant| !is_used(&grant.statement))
            .map(|grant| format!("{} {}", grant.action, grant.resource))
            .collect();
        let reviewed: BTreeSet<String> = calls.spare.into_keys().collect();
        assert_eq!(spare, reviewed, "{role}: left: nothing uses it; right: what calls.json says of that");
    }
}

#[test]
fn the_audit_is_append_only() {
    let judge = judge();
    let said = |role: &str, call: &str| judge.decide(role, &judge.request(call));
    for role in ["OperationsRole", "ReconcilerRole"] {
        assert_eq!(said(role, "PutItem Table audit"), Decision::Allowed, "{role}");
        assert_eq!(said(role, "PutItem Table"), Decision::NotAllowed, "{role}");
    }
    assert_eq!(said("RepairRole", "DeleteItem Table"), Decision::Allowed);
    for role in ["ProcessorRole", "FeedbackRole", "ReconcilerRole", "OperationsRole", "RepairRole"] {
        assert_eq!(said(role, "UpdateItem Table audit"), Decision::Denied, "{role}");
        assert_eq!(said(role, "DeleteItem Table audit"), Decision::Denied, "{role}");
    }
}

#[test]
fn refuses_other_items_beside_an_audit_record() {
    let judge = judge();
    let mut put = judge.request("PutItem Table audit");
    let keys = put.context.get_mut("dynamodb:leadingkeys").unwrap();
    keys.push("jobs".to_owned());
    assert_eq!(judge.decide("OperationsRole", &put), Decision::NotAllowed);
}

/// Otherwise whoever controls a function could decrypt what it took from elsewhere.
#[test]
fn no_role_uses_the_key_without_a_service() {
    let judge = judge();
    for role in judge.roles() {
        for call in ["Decrypt KmsKeyArn", "Decrypt KmsKeyArn lambda", "GenerateDataKey KmsKeyArn"] {
            assert_eq!(judge.decide(role, &judge.request(call)), Decision::NotAllowed, "{role}: {call}");
        }
    }
}

#[test]
fn queues_refuse_plain_http() {
    let judge = judge();
    let plain = |request: Request| Request {
        context: [("aws:securetransport".to_owned(), vec!["false".to_owned()])].into(),
        ..request
    };
    for (role, calls) in listed() {
        for call in calls.all().map(|call| judge.request(call)).filter(|request| request.action.starts_with("sqs:")) {
            assert_eq!(judge.decide(&role, &plain(call)), Decision::Denied, "{role}");
        }
    }
}

#[test]
fn records_a_forbidden_call_as_refused_and_unlisted() {
    let mut judge = judge();
    let body = serde_json::json!({"QueueUrl": "http://127.0.0.1/000000000000/webhooks-events"});
    judge.hear("IntakeRole", "SendMessage", &body);
    assert_eq!(judge.refused(), ["IntakeRole: SendMessage EventsQueue: NotAllowed"]);
    assert_eq!(judge.unlisted(&listed()), ["IntakeRole: SendMessage EventsQueue"]);
    assert!(judge.missed(&listed()).contains(&"IntakeRole: SendMessage NotificationsQueue".to_owned()));
}

#[test]
fn finds_a_role_by_its_generated_name() {
    let judge = judge();
    assert_eq!(judge.logical("webhooks-ReconcilerRole-1A2B3C"), Some("ReconcilerRole"));
    assert_eq!(judge.logical("somebody"), None);
}

/// The product's sources without tests.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<PathBuf> = ["functions", "shared"].map(|top| root.join(top)).to_vec();
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("_tests.rs") {
                text += &fs::read_to_string(path).unwrap();
            }
        }
    }
    text.split_whitespace().collect()
}

/// `SendMessage` as the SDK writes it: `send_message`.
fn snake(operation: &str) -> String {
    let lower = |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.to_string() };
    operation.chars().map(lower).collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn the_sources_make_exactly_the_listed_calls() {
    let sources = sources();
    // A client of the SDK always has this name, and its operations start without arguments.
    let called = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?;
        rest[end..].starts_with("()").then(|| rest[..end].to_owned())
    };
    let made: BTreeSet<String> = sources.split("client.").skip(1).filter_map(called).collect();
    let list = listed();
    let own = list.values().flat_map(|calls| calls.own());
    let expected: BTreeSet<String> = own.filter_map(|call| call.split(' ').next()).map(snake).collect();
    assert_eq!(made, expected);
}
