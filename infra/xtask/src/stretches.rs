//! `cargo xtask mutants --minutes`: what the stretches of a run missed.

use crate::error::Result;
use crate::workspace::write;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The missed mutants of a package, and those whose tests did not end, of all stretches.
const MISSED: &str = "missed.txt";

/// Before a first stretch.
pub(crate) fn forget(report: &Path) -> Result<()> {
    write(&report.join(MISSED), "")
}

fn missed_before(report: &Path) -> String {
    fs::read_to_string(report.join(MISSED)).unwrap_or_default()
}

/// What this run missed and what the stretches before missed, for the next stretch.
pub(crate) fn all_missed(report: &Path) -> Result<String> {
    let mut text = missed_before(report);
    for list in ["missed.txt", "timeout.txt"] {
        text += &fs::read_to_string(report.join("mutants.out").join(list)).unwrap_or_default();
    }
    let mutants: BTreeSet<&str> = text.lines().collect();
    let text: String = mutants.into_iter().flat_map(|mutant| [mutant, "\n"]).collect();
    write(&report.join(MISSED), &text)?;
    Ok(text)
}

/// Leaves out what the stretches before missed, in the words of cargo-mutants. Otherwise every stretch
/// would try these first, and many of them would leave no time for others.
pub(crate) fn without_missed(report: &Path) -> Vec<String> {
    missed_before(report).lines().map(|mutant| format!("--exclude-re=^{}$", literal(mutant))).collect()
}

/// A regular expression for just this text.
fn literal(text: &str) -> String {
    let mut literal = String::new();
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            literal.push('\\');
        }
        literal.push(letter);
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::create;

    #[test]
    fn leaves_out_what_all_stretches_missed() {
        let report = std::env::temp_dir().join(format!("xtask-stretches-test-{}", std::process::id()));
        let out = report.join("mutants.out");
        create(&out).unwrap();
        for (missed, slow, all) in [("b\n", "", "b\n"), ("a\n", "c\n", "a\nb\nc\n"), ("", "", "a\nb\nc\n")] {
            write(&out.join("missed.txt"), missed).unwrap();
            write(&out.join("timeout.txt"), slow).unwrap();
            assert_eq!(all_missed(&report).unwrap(), all);
            assert_eq!(without_missed(&report).len(), all.lines().count());
        }
        write(&report.join(MISSED), "a/b.rs:7:9: replace + with *= in <impl A for B>::c\n").unwrap();
        let left_out = r"--exclude-re=^a/b\.rs:7:9: replace \+ with \*= in <impl A for B>::c$";
        assert_eq!(without_missed(&report), [left_out]);
        forget(&report).unwrap();
        assert_eq!(without_missed(&report), [""; 0]);
        fs::remove_dir_all(report).unwrap();
    }
}
