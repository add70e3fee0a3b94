//! Finds the tests that a page names in the last cell of a table's rows.

use crate::sources::root;
use std::fs;
use std::path::{Path, PathBuf};

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
