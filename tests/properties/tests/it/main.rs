//! Runs the fuzzers' corpora through the fuzzers' functions. Inputs are percent-encoded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use percent_encoding::percent_decode_str;
use properties::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

/// An input with its origin.
type Input = (String, Vec<u8>);

fn fuzz(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(path)
}

/// Each line has a name, a tab, and the input unless it is empty.
fn written_by_hand(target: &str) -> Vec<Input> {
    let (path, text) = corpus(&format!("{target}.seeds.txt"));
    let seed = |line: &str| {
        let (name, input) = line.split_once('\t').unwrap_or((line, ""));
        (format!("{name} of {path}"), percent_decode_str(input).collect())
    };
    text.lines().map(seed).collect()
}

/// Each line is an input.
fn found(target: &str) -> Vec<Input> {
    let (path, text) = corpus(&format!("{target}.txt"));
    let place = |number: usize| format!("{path}:{number}");
    text.lines().zip(1..).map(|(line, number)| (place(number), percent_decode_str(line).collect())).collect()
}

/// Returns the file's path and its text.
fn corpus(file: &str) -> (String, String) {
    let path = fuzz("corpus").join(file).display().to_string();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    (path, text)
}

/// Names the input that breaks a property.
struct Running(String);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with {}", self.0);
        }
    }
}

#[test]
fn every_corpus_input_keeps_its_properties() {
    for (name, check) in TARGETS {
        let (seeds, found) = (written_by_hand(name), found(name));
        assert!(seeds.len() >= 10 && found.len() >= 10, "{name}: {} and {}", seeds.len(), found.len());
        for (place, input) in seeds.into_iter().chain(found) {
            let running = Running(place);
            check(&input);
            drop(running);
        }
    }
}

#[test]
fn every_function_has_a_fuzzer() {
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let program = fs::read_to_string(fuzz(&format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("properties::{name}(input)")), "{program}");
    }
}
