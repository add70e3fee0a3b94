//! The corpora that fuzzing has left, through the functions that it was done with.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use properties::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(path)
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = fuzz("corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Names the input that breaks a property.
struct Running(PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with {}", self.0.display());
        }
    }
}

#[test]
fn every_input_of_every_corpus_keeps_its_properties() {
    for (name, check) in TARGETS {
        let files = corpus(name);
        assert!(files.len() >= 10, "{name} has a corpus of {}", files.len());
        for file in files {
            let input = fs::read(&file).unwrap();
            let running = Running(file);
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
