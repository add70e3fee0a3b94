//! *Condition operators* and *Set operators for multivalued context keys* of the IAM User Guide.

use roles::{Request, Statement};
use serde_json::{Value, json};

const KEYS: &str = "dynamodb:LeadingKeys";

/// Whether a statement with this condition applies to a request with these leading keys; with none, the key is absent.
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
fn one_of_the_values_is_enough_and_for_a_negation_none_may_fit() {
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
fn an_absent_key_fits_only_negations_and_what_allows_for_it() {
    for operator in ["StringEquals", "StringLike", "Bool", "ForAnyValue:StringEquals"] {
        assert!(!applies(&of(operator, json!("a")), &[]), "{operator}");
    }
    for operator in ["StringNotEquals", "StringEqualsIfExists", "ForAllValues:StringEquals"] {
        assert!(applies(&of(operator, json!("a")), &[]), "{operator}");
    }
    assert!(!applies(&of("StringEqualsIfExists", json!("a")), &["b"]));
}

#[test]
fn null_asks_whether_the_key_is_absent() {
    let (absent, there) = (of("Null", json!("true")), of("Null", json!("false")));
    assert!(applies(&absent, &[]) && !applies(&absent, &["a"]));
    assert!(applies(&there, &["a"]) && !applies(&there, &[]));
}

#[test]
fn all_values_or_any_of_them_have_to_fit() {
    let (all, any) =
        (of("ForAllValues:StringEquals", json!(["a", "b"])), of("ForAnyValue:StringEquals", json!(["a", "b"])));
    assert!(applies(&all, &["a", "b"]) && !applies(&all, &["a", "c"]));
    assert!(applies(&any, &["a", "c"]) && !applies(&any, &["c"]));
}

#[test]
fn every_operator_and_every_key_has_to_hold() {
    let both = json!({"ForAllValues:StringEquals": {KEYS: ["audit"]}, "Null": {KEYS: "false"}});
    assert!(applies(&both, &["audit"]) && !applies(&both, &[]) && !applies(&both, &["audit", "jobs"]));
}

#[test]
#[should_panic(expected = "no request is given the key aws:sourceip here")]
fn a_key_of_which_nothing_is_known_is_no_answer() {
    applies(&json!({"StringEquals": {"aws:SourceIp": "10.0.0.1"}}), &[]);
}

#[test]
#[should_panic(expected = "has several values")]
fn several_values_without_a_set_operator_are_no_answer() {
    applies(&of("StringEquals", json!("a")), &["a", "b"]);
}
