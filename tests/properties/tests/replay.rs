//! The corpora that fuzzing has left, through the functions that it was done with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use percent_encoding::percent_decode_str;
use properties::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

/// With where it is kept.
type Input = (String, Vec<u8>);

fn fuzz(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(path)
}

/// Each a file.
fn written_by_hand(target: &str) -> Vec<Input> {
    let folder = fuzz("corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.display().to_string(), fs::read(&file).unwrap())).collect()
}

/// Each a line, percent-encoded.
fn found(target: &str) -> Vec<Input> {
    let archive = fuzz("corpus").join(format!("{target}.txt"));
    let text = fs::read_to_string(&archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let place = |number: usize| format!("{}:{number}", archive.display());
    text.lines().zip(1..).map(|(line, number)| (place(number), percent_decode_str(line).collect())).collect()
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
fn every_input_of_every_corpus_keeps_its_properties() {
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
