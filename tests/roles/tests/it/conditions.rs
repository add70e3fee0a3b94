//! *Condition operators* and *Set operators for multivalued context keys* of the IAM User Guide.

use roles::{Request, Statement};
use serde_json::{Value, json};

const KEYS: &str = "dynamodb:LeadingKeys";

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
