//! SECURITY.md names the test of each promise, and every crate keeps what it says of all of them.

use crate::MAIN;
use infrastructure::{Template, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

/// Every file of the project with this name or extension, but what is built or installed.
fn files(fits: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let (mut folders, mut found) =
        (["functions", "shared", "tests", "infra"].map(|top| root().join(top)).to_vec(), vec![]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if !path.ends_with("target") => folders.push(path),
                true => {}
                false if fits(&path) => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// The names of all test functions in a source file.
fn tests_in(source: &str) -> Vec<&str> {
    let (mut names, mut is_test) = (vec![], false);
    for line in source.lines().map(str::trim) {
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        if let Some(name) = name.filter(|_| is_test) {
            names.push(name);
            is_test = false;
        }
    }
    names
}

/// What stands between backticks, where it is the name of a function.
fn named_in(text: &str) -> Vec<&str> {
    let is_name = |text: &&str| {
        text.contains('_') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split('`').skip(1).step_by(2).filter(is_name).collect()
}

/// The last cells of the tables' rows.
fn proofs(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit('|').next()).map(str::trim);
    cells.filter(|cell| *cell != "shown by").collect()
}

#[test]
fn every_row_of_the_security_page_names_tests_that_exist() {
    let sources: Vec<String> = files(|path| path.extension().is_some_and(|end| end == "rs"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let known: BTreeSet<&str> = sources.iter().flat_map(|source| tests_in(source)).collect();
    let page = page();
    let proofs = proofs(&page);
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
fn a_test_is_told_from_a_function_that_only_helps() {
    let source =
        "#[test]\nfn a() {\n fn b() {}\n}\nfn c() {}\n    #[tokio::test(start_paused = true)]\n    async fn d() {}\n";
    assert_eq!(tests_in(source), ["a", "d"]);
    assert_eq!(named_in("`a_b`, `Debug`, `c d` and `e_1`"), ["a_b", "e_1"]);
    assert_eq!(proofs("| x | y | shown by |\n|---|---|---|\n| x | y | `a_b` |\n"), ["`a_b`"]);
}

#[test]
fn every_crate_of_the_workspace_forbids_unsafe_code() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    let manifests = files(|path| path.ends_with("Cargo.toml"));
    assert!(manifests.len() > 20, "{manifests:?}");
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).unwrap();
        // The fuzzers' entry points are libFuzzer's macro; the package is outside of the workspace and has no code of its own.
        let is_inside = !text.contains("\n[workspace]");
        assert!(!is_inside || text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}

#[test]
fn without_an_authoriser_there_are_no_operations_and_with_one_none_is_open() {
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
    assert!(Template::read(MAIN).raw("/Parameters/OperationsAuthorizer/Default") == "none", "closed unless told");
    for (authorizer, expected) in [("jwt", "JWT"), ("iam", "AWS_IAM")] {
        let guarded: Vec<_> = routes(authorizer).into_iter().filter(|(key, _)| !open.contains(&key.as_str())).collect();
        let (files, guarded): (Vec<_>, Vec<_>) =
            guarded.into_iter().partition(|(key, _)| key.starts_with("GET /operations/console"));
        assert_eq!(guarded, [("ANY /operations/{proxy+}".to_owned(), expected.to_owned())]);
        // The console's page and files, which hold no data; a browser cannot sign as IAM asks.
        assert_eq!(files.len(), if authorizer == "jwt" { 2 } else { 0 });
    }
}
