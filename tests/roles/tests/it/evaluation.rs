//! *Policy evaluation logic* and *IAM JSON policy elements* of the IAM User Guide, with its
//! *Condition operators* and *Set operators for multivalued context keys*.

use roles::{Decision, Request, Statement, decide};
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:sqs:eu-north-1:000000000000:events";
const KEYS: &str = "dynamodb:LeadingKeys";

fn said(statements: &[Value], action: &str, resource: &str) -> Decision {
    let statements: Vec<_> = statements.iter().map(Statement::read).collect();
    decide(&statements, &Request { action: action.into(), resource: resource.into(), context: Default::default() })
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

#[test]
fn refuses_without_a_statement_that_allows() {
    assert_eq!(said(&[], "sqs:SendMessage", QUEUE), Decision::NotAllowed);
    let other = [allow("sqs:ReceiveMessage", QUEUE), allow("sqs:SendMessage", &format!("{QUEUE}-dead-letter"))];
    assert_eq!(said(&other, "sqs:SendMessage", QUEUE), Decision::NotAllowed);
}

#[test]
fn a_denial_always_wins() {
    let deny = json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
    let allow = allow("sqs:SendMessage", QUEUE);
    assert_eq!(said(&[deny.clone(), allow.clone()], "sqs:SendMessage", QUEUE), Decision::Denied);
    assert_eq!(said(&[allow, deny], "sqs:SendMessage", QUEUE), Decision::Denied);
}

#[test]
fn only_actions_are_case_insensitive() {
    for action in ["sqs:SendMessage", "SQS:sendmessage", "sqs:Send*", "sqs:*", "*", "sqs:SendMessag?"] {
        assert_eq!(said(&[allow(action, QUEUE)], "sqs:SendMessage", QUEUE), Decision::Allowed, "{action}");
    }
    for action in ["sqs:Send", "sqs:SendMessageBatch", "sns:*"] {
        assert_eq!(said(&[allow(action, QUEUE)], "sqs:SendMessage", QUEUE), Decision::NotAllowed, "{action}");
    }
    let capital = QUEUE.replace("events", "Events");
    assert_eq!(said(&[allow("sqs:*", &capital)], "sqs:SendMessage", QUEUE), Decision::NotAllowed);
}

#[test]
fn one_matching_action_and_resource_are_enough() {
    let several =
        json!({"Effect": "Allow", "Action": ["sqs:A", "sqs:SendMessage"], "Resource": ["arn:aws:sqs:::x", QUEUE]});
    assert_eq!(said(&[several], "sqs:SendMessage", QUEUE), Decision::Allowed);
}

#[test]
#[should_panic(expected = "NotAction is not understood here")]
fn rejects_unknown_statements() {
    Statement::read(&json!({"Effect": "Allow", "NotAction": "sqs:SendMessage", "Resource": QUEUE}));
}

/// Whether a statement with this condition applies to a request with these leading keys. Without
/// keys, the condition key is absent.
fn applies(condition: &Value, keys: &[&str]) -> bool {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let context = (!keys.is_empty()).then(|| (KEYS.to_ascii_lowercase(), keys)).into_iter().collect();
    Statement::read(&statement).applies(&Request { action: "a:B".into(), resource: "*".into(), context })
}

fn of(operator: &str, values: Value) -> Value {
    json!({ operator: { KEYS: values } })
}

#[test]
fn one_matching_value_is_enough_and_a_negation_allows_none() {
    assert!(applies(&of("StringEquals", json!(["a", "b"])), &["b"]));
    assert!(!applies(&of("StringEquals", json!(["a", "b"])), &["B"]));
    assert!(applies(&of("StringEqualsIgnoreCase", json!("b")), &["B"]));
    assert!(!applies(&of("StringNotEquals", json!(["a", "b"])), &["b"]));
    assert!(applies(&of("StringNotEquals", json!(["a", "b"])), &["c"]));
    assert!(
        applies(&of("StringLike", json!("a*d?t")), &["audit"]) && !applies(&of("StringEquals", json!("a*")), &["ab"])
    );
}

#[test]
fn an_absent_key_matches_only_negations_and_if_exists() {
    for operator in ["StringEquals", "StringLike", "Bool", "ForAnyValue:StringEquals"] {
        assert!(!applies(&of(operator, json!("a")), &[]), "{operator}");
    }
    for operator in ["StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringEquals"] {
        assert!(applies(&of(operator, json!("a")), &[]), "{operator}");
    }
    assert!(!applies(&of("StringEqualsIfExists", json!("a")), &["b"]));
}

#[test]
fn null_tests_whether_the_key_is_absent() {
    let (absent, there) = (of("Null", json!("true")), of("Null", json!("false")));
    assert!(applies(&absent, &[]) && !applies(&absent, &["a"]));
    assert!(applies(&there, &["a"]) && !applies(&there, &[]));
}

#[test]
fn set_operators_need_all_values_or_any_value() {
    let (all, any) =
        (of("ForAllValues:StringEquals", json!(["a", "b"])), of("ForAnyValue:StringEquals", json!(["a", "b"])));
    assert!(applies(&all, &["a", "b"]) && !applies(&all, &["a", "c"]));
    assert!(applies(&any, &["a", "c"]) && !applies(&any, &["c"]));
}

#[test]
fn every_operator_and_every_key_must_match() {
    let both = json!({"ForAllValues:StringEquals": {KEYS: ["audit"]}, "Null": {KEYS: "false"}});
    assert!(applies(&both, &["audit"]) && !applies(&both, &[]) && !applies(&both, &["audit", "jobs"]));
}

#[test]
#[should_panic(expected = "no request is given the key aws:sourceip here")]
fn rejects_unknown_condition_keys() {
    applies(&json!({"StringEquals": {"aws:SourceIp": "10.0.0.1"}}), &[]);
}

#[test]
#[should_panic(expected = "has several values")]
fn rejects_several_values_without_a_set_operator() {
    applies(&of("StringEquals", json!("a")), &["a", "b"]);
}
