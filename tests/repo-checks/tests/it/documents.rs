//! The shape of documents: short pages, and decisions with reasons.

use crate::named_tests::page;
use crate::sources::root;
use std::fs;

/// The length of ARCHITECTURE.md: about ten minutes of reading.
const ARCHITECTURE: usize = 2000;
/// The length of a decision: one page.
const DECISION: usize = 400;

/// The names and texts of the decisions, in order.
fn decisions() -> Vec<(String, String)> {
    let folder = root().join("docs/decisions");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| !path.ends_with("README.md"));
    let mut found: Vec<(String, String)> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn architecture_stays_short() {
    let words = words(&page("ARCHITECTURE.md"));
    assert!(words < ARCHITECTURE, "ARCHITECTURE.md has {words} words: move reasons to docs/decisions");
}

#[test]
fn each_decision_has_a_number_all_parts_and_fits_a_page() {
    let all = decisions();
    assert!(all.len() > 30, "{}", all.len());
    for (at, (name, text)) in all.iter().enumerate() {
        let number = format!("{:04}", at + 1);
        assert!(name.starts_with(&format!("{number}-")), "{name}: number {number} is missing or taken twice");
        assert!(text.starts_with(&format!("# {number}. ")), "{name}: the title has another number");
        for part in ["\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"] {
            assert_eq!(text.matches(part).count(), 1, "{name}: {part:?}");
        }
        assert!(words(text) < DECISION, "{name} has {} words", words(text));
    }
}

#[test]
fn the_index_lists_each_decision_once_with_its_title_and_status() {
    let index = page("docs/decisions/README.md");
    let all = decisions();
    for (name, text) in &all {
        let title = text.lines().next().unwrap().split_once(". ").unwrap().1;
        let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap();
        let row = format!("| [{}]({name}) {title} | {status} |", &name[..4]);
        assert!(index.contains(&row), "docs/decisions/README.md has no {row}");
    }
    assert_eq!(index.lines().filter(|line| line.starts_with("| [")).count(), all.len());
}
