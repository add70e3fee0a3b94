//! Pages and planted bugs name tests that exist. A page names them in the last cell of a table's
//! rows; `cargo xtask planted` tries the bugs of tests/planted.

use crate::sources::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const FIELD_CASES: &str = "docs/field-cases.md";
/// Replaces a test if none shows the outcome.
const OPEN: &str = "open";
const REVIEW: &str = "docs/aws-review.md";
/// Replaces a test if a whole command is the proof.
const COMMAND: &str = "by `cargo xtask";
/// The numbers of the cases. The others do not exist, or repeat one of these.
const CASES: [RangeInclusive<u32>; 8] = [1..=18, 20..=26, 28..=28, 30..=30, 32..=32, 35..=36, 38..=42, 44..=44];
/// The bugs of tests/planted, at least.
const LEAST_BUGS: usize = 40;

pub(crate) fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The project's files with this name or extension, without builds and installations.
pub(crate) fn files(fits: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
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

/// Each test in the sources: the folder of its file below the root, and its name.
pub(crate) fn known_tests() -> Vec<(String, String)> {
    let sources = files(|path| path.extension().is_some_and(|end| end == "rs"));
    let in_file = |path: &PathBuf| -> Vec<(String, String)> {
        let source = fs::read_to_string(path).unwrap();
        let folder = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        tests_in(&source).into_iter().map(|name| (folder.clone(), name.to_owned())).collect()
    };
    sources.iter().flat_map(in_file).collect()
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

/// The texts between backticks.
pub(crate) fn quoted_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The texts between backticks that are names of functions.
pub(crate) fn named_in(text: &str) -> Vec<&str> {
    quoted_in(text).filter(|text| is_name(text)).collect()
}

pub(crate) fn is_name(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The first and the last cell of each row of the tables.
pub(crate) fn rows(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| {
        let row = row.trim_end_matches([' ', '|']).trim_start_matches(['|', ' ']);
        Some((row.split('|').next()?.trim(), row.rsplit('|').next()?.trim()))
    });
    cells.filter(|(_, last)| *last != "shown by")
}

#[test]
fn distinguishes_tests_from_helpers() {
    let source =
        "#[test]\nfn a() {\n fn b() {}\n}\nfn c() {}\n    #[tokio::test(start_paused = true)]\n    async fn d() {}\n";
    assert_eq!(tests_in(source), ["a", "d"]);
    assert_eq!(named_in("`a_b`, `Debug`, `c d` and `e_1`"), ["a_b", "e_1"]);
    let page = "| x | y | shown by |\n|---|---|---|\n| x | y | `a_b` |\n";
    assert_eq!(rows(page).collect::<Vec<_>>(), [("x", "`a_b`")]);
}

#[test]
fn the_page_has_every_case_once() {
    let page = page(FIELD_CASES);
    let found: Vec<&str> = rows(&page).map(|(case, _)| case).filter(|case| is_numbered(case)).collect();
    let expected: BTreeSet<String> = CASES.into_iter().flatten().map(|number| format!("F{number:02}")).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(found.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
}

fn is_numbered(case: &str) -> bool {
    case.strip_prefix('F').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[test]
fn every_case_names_tests_of_its_crates_or_is_open() {
    assert!(tests_named_by(FIELD_CASES, OPEN) > 100);
}

#[test]
fn every_finding_of_the_aws_review_names_its_tests_or_command() {
    let page = page(REVIEW);
    let numbers = rows(&page).filter_map(|(case, _)| case.split_once(". ")?.0.parse().ok());
    assert_eq!(numbers.collect::<Vec<u32>>(), (1..=21).collect::<Vec<_>>());
    assert!(tests_named_by(REVIEW, COMMAND) > 20);
}

/// Counts the tests that the page's rows name. Each row names existing tests of the crate before
/// them, or starts with `instead`.
fn tests_named_by(path: &str, instead: &str) -> usize {
    let known = known_tests();
    let page = page(path);
    let mut shown = 0;
    for (case, proof) in rows(&page) {
        let mut folder = None;
        for quoted in quoted_in(proof).filter(|quoted| !quoted.contains(' ')) {
            if quoted.contains('/') {
                folder = Some(format!("{quoted}/"));
                continue;
            }
            if !is_name(quoted) {
                continue;
            }
            let folder = folder.as_ref().unwrap_or_else(|| panic!("{case}: no crate before {quoted}"));
            let is_there = known.iter().any(|(file, name)| file.starts_with(folder.as_str()) && name == quoted);
            assert!(is_there, "{case}: there is no test {quoted} in {folder}");
            shown += 1;
        }
        assert!(!named_in(proof).is_empty() || proof.starts_with(instead), "{case} names no test: {proof}");
    }
    shown
}

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
    let package = |path: &PathBuf| {
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
    assert!(bugs.len() >= LEAST_BUGS, "{}", bugs.len());
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
