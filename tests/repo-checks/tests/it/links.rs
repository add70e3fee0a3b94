//! Links in documents and comments lead to existing files and headings.

use crate::sources::{each_file, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The page of facts, which comments cite.
const FACTS: &str = "docs/visma-net.md#";

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
