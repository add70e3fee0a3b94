//! The features with which functions and tests are compiled.

use crate::sources::root;
use std::collections::BTreeSet;
use std::process::Command;

/// A line with the features of each crate.
fn features(edges: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--offline", "--workspace", "--features", "end-to-end/local-stack"]);
    tree.args(["--edges", edges, "--prefix", "none", "--format", "{p} {f}"]).current_dir(root());
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn functions_and_tests_share_their_compiled_crates() {
    let (functions, tests) = (features("normal,build"), features("normal,build,dev"));
    assert!(functions.len() > 200, "{functions:#?}");
    let others: Vec<_> = functions.difference(&tests).collect();
    let advice = "tests switch on further features of these, and all above them is compiled twice: see tests/features";
    assert!(others.is_empty(), "{advice}\n{others:#?}");
}
