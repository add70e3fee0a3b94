//! Checks the template's roles against the calls of `calls.json`.

use roles::{Account, Decision, Effect, Judge, Request, listed, page};
use std::collections::BTreeSet;

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
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
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
