//! Compares the listed calls with those in the sources.

use roles::listed;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The product's sources without tests.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<PathBuf> = ["functions", "shared"].map(|top| root.join(top)).to_vec();
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("_tests.rs") {
                text += &fs::read_to_string(path).unwrap();
            }
        }
    }
    text.split_whitespace().collect()
}

/// `SendMessage` as the SDK writes it: `send_message`.
fn snake(operation: &str) -> String {
    let lower = |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.to_string() };
    operation.chars().map(lower).collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn the_sources_make_exactly_the_listed_calls() {
    let sources = sources();
    // A client of the SDK always has this name, and its operations start without arguments.
    let called = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_')?;
        rest[end..].starts_with("()").then(|| rest[..end].to_owned())
    };
    let made: BTreeSet<String> = sources.split("client.").skip(1).filter_map(called).collect();
    let list = listed();
    let own = list.values().flat_map(|calls| calls.own());
    let expected: BTreeSet<String> = own.filter_map(|call| call.split(' ').next()).map(snake).collect();
    assert_eq!(made, expected);
}
