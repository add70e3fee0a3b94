//! docs/field-cases.md and docs/aws-review.md are complete, and name existing tests of the right
//! crates.

use crate::named_tests::{is_name, known_tests, named_in, page, quoted_in, rows};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

const PAGE: &str = "docs/field-cases.md";
/// Replaces a test if none shows the outcome.
const OPEN: &str = "open";
const REVIEW: &str = "docs/aws-review.md";
/// Replaces a test if a whole command is the proof.
const COMMAND: &str = "by `cargo xtask";
/// The numbers of the cases. The others do not exist, or repeat one of these.
const CASES: [RangeInclusive<u32>; 8] = [1..=18, 20..=26, 28..=28, 30..=30, 32..=32, 35..=36, 38..=42, 44..=44];

#[test]
fn the_page_has_every_case_once() {
    let page = page(PAGE);
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
    assert!(tests_named_by(PAGE, OPEN) > 100);
}

#[test]
fn every_finding_of_the_aws_review_names_its_tests_or_command() {
    let page = page(REVIEW);
    let numbers = rows(&page).filter_map(|(case, _)| case.split_once(". ")?.0.parse().ok());
    assert_eq!(numbers.collect::<Vec<u32>>(), (1..=18).collect::<Vec<_>>());
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
