//! docs/glossary.md has each word once, with names that exist.

use crate::named_tests::{page, quoted_in};
use crate::sources::{each_file, root};
use std::collections::BTreeSet;
use webhooks_metrics::DEFINITIONS;

const GLOSSARY: &str = "docs/glossary.md";
/// Words that operators meet.
const WORDS: [&str; 27] = [
    "notification",
    "delivery",
    "subscription",
    "tenant",
    "directory",
    "head",
    "ledger",
    "feed",
    "place",
    "mark",
    "wait",
    "feedback",
    "parked",
    "held",
    "paused",
    "dead",
    "superseded",
    "replay",
    "redrive",
    "resend",
    "release",
    "sweep",
    "gap",
    "roll-up",
    "attention",
    "learn",
    "observed",
];

/// Each row of the table: word, meaning, code, API, console, command line, dashboards.
fn rows(glossary: &str) -> Vec<[&str; 7]> {
    let rows = glossary.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("{GLOSSARY}: not seven cells: {row}"))
    });
    cells.skip(1).collect()
}

/// The concatenated files of a kind below a folder.
fn below(folder: &str, kind: &str) -> String {
    let mut all = String::new();
    each_file(&root().join(folder), &mut |path, text| {
        if path.ends_with(kind) {
            all.push_str(text);
        }
    });
    all
}

/// Whether a source has this type, or this variant of an enum.
fn is_defined(source: &str, name: &str) -> bool {
    let (kind, variant) = name.split_once("::").unwrap_or((name, ""));
    let definitions = ["struct ", "enum ", "trait "].map(|word| format!("pub {word}{kind}"));
    let bodies = definitions.iter().flat_map(|definition| source.split(definition.as_str()).skip(1));
    let mut own = bodies.filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    own.any(|rest| {
        let body = rest.split("\n}").next().unwrap_or_default();
        variant.is_empty() || body.lines().any(|line| line.trim().split([',', ' ']).next() == Some(variant))
    })
}

#[test]
fn the_glossary_has_every_word_once_with_its_meaning() {
    let glossary = page(GLOSSARY);
    let rows = rows(&glossary);
    let words: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(words.len(), rows.len(), "{GLOSSARY} has a word twice");
    for word in WORDS {
        assert!(words.contains(word), "{GLOSSARY}: add the word {word}");
    }
    for [word, meaning, ..] in rows {
        assert!(meaning.ends_with('.') && meaning.len() > 20, "{GLOSSARY}: {word} has no meaning");
    }
}

/// Checks that each name of a cell exists, and counts them.
fn check(word: &str, cell: &str, place: &str, exists: impl Fn(&str) -> bool) -> usize {
    let mut checked = 0;
    for name in quoted_in(cell) {
        assert!(exists(name), "{GLOSSARY}: {word}: {place} has no {name}");
        checked += 1;
    }
    checked
}

#[test]
fn the_names_of_the_glossary_exist() {
    let glossary = page(GLOSSARY);
    let commands = below("infra/cli/src", ".rs");
    let sources = below("shared", ".rs") + &below("functions", ".rs") + &commands;
    let console = below("functions/operations/console", ".js");
    let api = page("functions/operations/openapi.json");
    let panels = below("infra/dashboards/src", ".rs");
    let is_in_api = |name: &str| match name.starts_with('/') {
        true => api.contains(&format!("\"/operations/v1{name}\"")),
        // A field, or a state in the list of states.
        false => ["\"", ",", " "].iter().any(|end| {
            let begin = if *end == "\"" { "\"" } else { " " };
            api.contains(&format!("{begin}{name}{end}"))
        }),
    };
    let is_drawn =
        |name: &str| DEFINITIONS.iter().any(|metric| metric.name == name) || panels.contains(&format!("\"{name}\""));
    let mut checked = 0;
    for [word, _, code, paths, screen, command, dashboards] in rows(&glossary) {
        checked += check(word, code, "the code", |name| is_defined(&sources, name));
        checked += check(word, paths, "the API", is_in_api);
        checked += check(word, screen, "the console", |name| console.contains(name));
        checked +=
            check(word, command, "the command line", |name| commands.contains(&format!("visma-webhooks {name}")));
        checked += check(word, dashboards, "the dashboards", is_drawn);
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn a_variant_counts_only_in_its_own_enum() {
    let source = "pub enum State {\n    /// It waits.\n    Parked,\n    Dead = \"dead\",\n}\n\
                  pub struct Stated;\npub enum Other {\n    Held,\n}\n";
    assert!(is_defined(source, "State::Parked") && is_defined(source, "State::Dead"));
    assert!(is_defined(source, "Stated") && is_defined(source, "Other"));
    assert!(!is_defined(source, "State::Held") && !is_defined(source, "Stat"));
}
