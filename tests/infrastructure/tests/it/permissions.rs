//! What the roles may do.

use crate::with_options;
use infrastructure::elements;
use serde_json::Value;

/// Actions that name no resource because they have none, and why.
const WITHOUT_RESOURCE: [(&str, &str); 2] = [
    ("xray:PutTraceSegments", "X-Ray has no resource to name"),
    ("xray:PutTelemetryRecords", "X-Ray has no resource to name"),
];

#[test]
fn no_role_allows_anything_by_wildcard() {
    let main = with_options();
    let mut statements = Vec::new();
    for (role, properties) in main.resources("AWS::IAM::Role") {
        assert!(properties.get("ManagedPolicyArns").is_none(), "{role} has AWS's policies, which allow by wildcard");
        for policy in elements(&properties["Policies"]) {
            statements
                .extend(elements(&policy["PolicyDocument"]["Statement"]).into_iter().map(|one| (role, one.clone())));
        }
    }
    for (name, policy) in main.resources("AWS::IAM::Policy") {
        statements.extend(elements(&policy["PolicyDocument"]["Statement"]).into_iter().map(|one| (name, one.clone())));
    }
    assert!(statements.len() > 8);
    for (role, statement) in statements {
        check(role, &statement);
    }
}

fn check(role: &str, statement: &Value) {
    let actions: Vec<_> = elements(&statement["Action"]).into_iter().filter_map(Value::as_str).collect();
    assert!(
        !actions.is_empty() && statement.get("NotAction").is_none() && statement.get("NotResource").is_none(),
        "{role}"
    );
    assert!(actions.iter().all(|action| !action.contains('*')), "{role}: {actions:?}");
    let wildcard = elements(&statement["Resource"]).iter().any(|resource| resource.to_string().contains('*'));
    let none_to_name = actions.iter().all(|action| WITHOUT_RESOURCE.iter().any(|(allowed, _)| allowed == action));
    assert!(!wildcard || none_to_name, "{role}: {actions:?} on {}", statement["Resource"]);
}
