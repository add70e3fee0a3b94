//! SECURITY.md names a test for each promise, and every crate keeps its promise about unsafe code.

use crate::MAIN;
use crate::named_tests::{files, known_tests, named_in, page, rows};
use repo_checks::{Template, text};
use std::collections::BTreeSet;
use std::fs;

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
