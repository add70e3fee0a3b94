//! The bugs of tests/planted, which `cargo xtask planted` tries: each text exists, and so do the
//! tests that must notice the bug.

use crate::named_tests::{files, known_tests};
use crate::sources::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const LEAST: usize = 40;

fn bugs() -> Vec<Value> {
    let text = fs::read_to_string(root().join("tests/planted/bugs.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn field<'b>(bug: &'b Value, name: &str) -> &'b str {
    bug[name].as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("no {name}: {bug}"))
}

/// The tests that must notice it.
fn noticed_by(bug: &Value) -> Vec<&str> {
    bug["caught_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The folder of each package below the root, by name.
fn packages() -> BTreeMap<String, String> {
    let manifests = files(|path| path.ends_with("Cargo.toml"));
    let package = |path: &std::path::PathBuf| {
        let manifest = fs::read_to_string(path).unwrap();
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))?;
        let folder = path.parent()?.strip_prefix(root()).ok()?.to_string_lossy().into_owned();
        Some((name.to_owned(), folder))
    };
    manifests.iter().filter_map(package).collect()
}

#[test]
fn the_text_of_each_bug_is_unique() {
    let bugs = bugs();
    assert!(bugs.len() >= LEAST, "{}", bugs.len());
    let mut changes = BTreeSet::new();
    for (at, bug) in bugs.iter().enumerate() {
        assert_eq!(bug["number"], at + 1, "{bug}");
        assert!(field(bug, "says").ends_with('.'), "{bug}");
        let (file, find) = (field(bug, "file"), field(bug, "find"));
        let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(source.matches(find).count(), 1, "bug {} of {file}: {find}", at + 1);
        let put = bug["put"].as_str().expect("a text, which may be empty");
        assert!(put != find && changes.insert((file, find, put)), "{bug}");
    }
}

#[test]
fn each_bug_names_existing_tests_of_its_package() {
    let (packages, tests) = (packages(), known_tests());
    for bug in &bugs() {
        let (package, file, names) = (field(bug, "package"), field(bug, "file"), noticed_by(bug));
        assert!(!names.is_empty(), "{bug}");
        if package.ends_with(".py") {
            assert!(root().join(package).is_file() && file.starts_with("infra/"), "{bug}");
            continue;
        }
        let folder = packages.get(package).unwrap_or_else(|| panic!("no package {package}"));
        // No package owns the templates. Their tests are in `infrastructure` and `roles`.
        let is_own = file.starts_with(&format!("{folder}/")) || !file.ends_with(".rs");
        assert!(is_own, "{file} is not of {package}");
        for name in names {
            let is_there = |(path, known): &(String, String)| known == name && path.starts_with(&format!("{folder}/"));
            assert!(tests.iter().any(is_there), "{package} has no test {name}");
        }
    }
}
