//! SECURITY.md names a test for each promise. No crate has unsafe code, and no role may do more
//! than it must.

use crate::named_tests::{files, known_tests, named_in, page, rows};
use crate::{MAIN, with_options};
use repo_checks::{Template, elements, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// Actions that have no resources, with the reason.
const WITHOUT_RESOURCE: [(&str, &str); 2] = [
    ("xray:PutTraceSegments", "X-Ray has no resource to name"),
    ("xray:PutTelemetryRecords", "X-Ray has no resource to name"),
];

#[test]
fn every_row_of_the_security_page_names_tests_that_exist() {
    let known: BTreeSet<String> = known_tests().into_iter().map(|(_, name)| name).collect();
    let page = page("SECURITY.md");
    let proofs: Vec<&str> = rows(&page).map(|(_, proof)| proof).collect();
    assert!(proofs.len() > 15, "{proofs:?}");
    for proof in proofs {
        let named = named_in(proof);
        assert!(!named.is_empty(), "no test is named: {proof}");
        for name in named {
            assert!(known.contains(name), "there is no test {name}");
        }
    }
}

#[test]
fn every_crate_of_the_workspace_forbids_unsafe_code() {
    let workspace = page("Cargo.toml");
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    let manifests = files(|path| path.ends_with("Cargo.toml"));
    assert!(manifests.len() > 20, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).unwrap();
        // The fuzzers' entry points are libFuzzer's macro. Their package is outside of the
        // workspace and has no code of its own.
        let is_inside = !text.contains("\n[workspace]");
        assert!(!is_inside || text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}

#[test]
fn operations_exist_only_behind_an_authoriser() {
    let routes = |authorizer: &str| {
        let main = Template::read(MAIN).with("OperationsAuthorizer", authorizer.into());
        let routes = main.resources("AWS::ApiGatewayV2::Route").into_iter();
        let routes = routes.map(|(_, route)| (text(&route["RouteKey"]), text(&route["AuthorizationType"])));
        let mut routes: Vec<_> = routes.collect();
        routes.sort();
        routes
    };
    let open = ["ANY /health", "ANY /hooks/{proxy+}"];
    assert_eq!(routes("none").iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), open);
    assert!(Template::read(MAIN).raw("/Parameters/OperationsAuthorizer/Default") == "none", "closed by default");
    for (authorizer, expected) in [("jwt", "JWT"), ("iam", "AWS_IAM")] {
        let guarded: Vec<_> = routes(authorizer).into_iter().filter(|(key, _)| !open.contains(&key.as_str())).collect();
        let (files, guarded): (Vec<_>, Vec<_>) =
            guarded.into_iter().partition(|(key, _)| key.starts_with("GET /operations/console"));
        assert_eq!(guarded, [("ANY /operations/{proxy+}".to_owned(), expected.to_owned())]);
        // The console's page and files hold no data, and a browser cannot sign as IAM requires.
        assert_eq!(files.len(), if authorizer == "jwt" { 2 } else { 0 });
    }
}

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

/// CloudFormation attaches a policy of its own some time after the role. AWS makes no pipe whose
/// role may not read the queue at that moment.
#[test]
fn a_role_may_use_the_key_as_soon_as_it_exists() {
    let main = with_options();
    for (name, policy) in main.resources("AWS::IAM::Policy") {
        assert!(!policy["PolicyDocument"].to_string().contains("kms:"), "{name} attaches by itself");
    }
    let roles = main.resources("AWS::IAM::Role");
    let without = roles.iter().filter(|(_, role)| !role["Policies"].to_string().contains("kms:Decrypt"));
    let without: Vec<&str> = without.map(|(name, _)| name.as_str()).collect();
    assert_eq!(without, ["ReconcilerScheduleRole"], "it only invokes");
}

/// `tests/roles` evaluates the template's roles; these two it does not read.
#[test]
fn terraforms_roles_and_the_deployers_use_the_key_only_through_services() {
    let main = with_options();
    let (_, role) = main.resources("AWS::IAM::Role").into_iter().find(|(name, _)| *name == "RepairRole").unwrap();
    let statements = elements(&role["Policies"][0]["PolicyDocument"]["Statement"]);
    let of_key = statements.into_iter().find(|one| one.to_string().contains("kms:")).expect("it uses the key");
    let services: Vec<String> =
        elements(&of_key["Condition"]["StringLike"]["kms:ViaService"]).into_iter().map(text).collect();
    assert_eq!(services.len(), 3, "{services:?}");
    let written = format!("\"kms:ViaService\" = [\"{}\"]", services.join("\", \""));
    assert!(repo_checks::read("terraform/roles.tf").contains(&written), "terraform/roles.tf lacks {written}");

    let deployer =
        Template::read("deployer.yaml").with("KmsKeyArn", "arn:aws:kms:eu-north-1:000000000000:key/1".into());
    let policies = deployer.resources("AWS::IAM::RolePolicy");
    let statements = policies.iter().flat_map(|(_, policy)| elements(&policy["PolicyDocument"]["Statement"]));
    let mut of_key = 0;
    for statement in statements.filter(|statement| statement["Action"].to_string().contains("kms:")) {
        let only_describes = statement["Action"] == "kms:DescribeKey";
        let through = elements(&statement["Condition"]["StringLike"]["kms:ViaService"]);
        assert!(only_describes || services.iter().all(|one| through.iter().any(|other| *other == one)), "{statement}");
        of_key += 1;
    }
    assert_eq!(of_key, 2);
}

#[test]
fn no_function_may_change_or_delete_audit_records() {
    let main = with_options();
    let policies = main.resources("AWS::IAM::Policy");
    let (_, stays) = policies.iter().find(|(name, _)| *name == "AuditStays").expect("the policy is there");
    let kept_off: Vec<_> = elements(&stays["Roles"]).into_iter().map(|role| role["Ref"].clone()).collect();
    let deny = &stays["PolicyDocument"]["Statement"][0];
    let audit = serde_json::json!({"dynamodb:LeadingKeys": ["audit"]});
    assert_eq!((&deny["Effect"], &deny["Condition"]["ForAnyValue:StringEquals"]), (&"Deny".into(), &audit));
    let denied = |action: &Value| elements(&deny["Action"]).contains(&action);
    let mut putting = vec![];
    for (role, properties) in main.resources("AWS::IAM::Role") {
        for policy in elements(&properties["Policies"]) {
            for statement in elements(&policy["PolicyDocument"]["Statement"]) {
                let actions = elements(&statement["Action"]);
                for action in actions.into_iter().filter(|action| writes(action)) {
                    if action == "dynamodb:PutItem" {
                        assert_eq!(
                            statement["Condition"]["ForAllValues:StringEquals"], audit,
                            "{role} puts what it likes"
                        );
                        putting.push(role.clone());
                    } else {
                        assert!(denied(action) && kept_off.contains(&role.as_str().into()), "{role}: {action}");
                    }
                }
            }
        }
    }
    putting.sort();
    assert_eq!(putting, ["OperationsRole", "ReconcilerRole"]);
}

fn writes(action: &Value) -> bool {
    let action = action.as_str().unwrap_or_default();
    let reads = ["BatchGetItem", "GetItem", "Query", "Scan"].map(|name| format!("dynamodb:{name}"));
    action.starts_with("dynamodb:") && !reads.iter().any(|read| read == action)
}
