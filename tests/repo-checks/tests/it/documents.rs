//! Documents: short pages, decisions with reasons, and links to files and headings that exist, also
//! from comments.

use crate::named_tests::page;
use crate::sources::{each_file, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The length of ARCHITECTURE.md: about ten minutes of reading.
const ARCHITECTURE: usize = 2000;
/// The length of a decision: one page.
const DECISION: usize = 400;
/// The page of facts, which comments cite.
const FACTS: &str = "docs/visma-net.md#";

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

/// The lines of a page outside code blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The anchors of a page's headings, as on GitHub.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// The targets of a page's links within the repository.
fn targets(page: &str) -> Vec<&str> {
    let after = prose(page).flat_map(|line| line.split("](").skip(1));
    let targets = after.filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// The pages below `docs` that a text cites, with or without a heading.
fn citations(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#');
    let found = text.match_indices("docs/").map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    found.filter(|citation| is_page(citation.split('#').next().unwrap_or_default())).collect()
}

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "md")
}

/// The error of a link from a file in `folder`. Both paths are below the root; `own` is that file's
/// text.
fn broken(folder: &str, target: &str, own: &str) -> Option<&'static str> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = root().join(folder).join(path);
    if !file.exists() {
        return Some("there is no such file");
    }
    if heading.is_empty() {
        return None;
    }
    let page = if path.is_empty() { own.to_owned() } else { fs::read_to_string(file).unwrap_or_default() };
    (!anchors(&page).contains(heading)).then_some("there is no such heading")
}

#[test]
fn every_link_of_a_document_has_a_target() {
    let (mut followed, mut wrong) = (0, vec![]);
    each_file(&root(), &mut |path, text| {
        if !is_page(path) {
            return;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in targets(text) {
            followed += 1;
            wrong.extend(broken(folder, target, text).map(|why| format!("{path}: {target}: {why}")));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(followed > 100, "{followed}");
}

#[test]
fn every_citation_names_a_page_and_heading_that_exist() {
    let (mut facts, mut wrong) = (0, vec![]);
    each_file(&root(), &mut |path, text| {
        for citation in citations(text) {
            facts += usize::from(citation.starts_with(FACTS));
            wrong.extend(broken("", citation, "").map(|why| format!("{path}: {citation}: {why}")));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(facts > 100, "{facts}");
}

#[test]
fn finds_headings_links_and_citations() {
    let page = "# A page, `b_c`\n```sh\n# no heading\n```\n[x](a.md#b) [y](https://a) ([z](#c))\n";
    assert_eq!(anchors(page), BTreeSet::from(["a-page-b_c".to_owned()]));
    assert_eq!(targets(page), ["a.md#b", "#c"]);
    let cited = citations("/// Tokens (docs/visma-net.md#tokens). See docs/README.md.");
    assert_eq!(cited, ["docs/visma-net.md#tokens", "docs/README.md"]);
    assert_eq!(broken("docs", "field-cases.md", ""), None);
    assert!(broken("docs", "visma-net.md#no-such-heading", "").is_some());
    assert!(broken("docs", "no-such-page.md", "").is_some());
}
