//! The manual pages that the program writes.

use crate::local::folder;
use crate::program::{commands, run, text};
use clap::CommandFactory;
use serde_json::Value;
use std::fs;
use visma_webhooks::Arguments;

#[test]
fn each_command_has_a_page_with_its_options_and_examples() {
    let folder = folder("man").join("man1");
    let output = run(&["man", "--out", folder.to_str().unwrap(), "--output", "json"], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut written: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    written.sort();
    let commands = commands(&Arguments::command(), "visma-webhooks");
    let mut expected: Vec<String> =
        commands.iter().map(|(words, _)| format!("{}.1", words.replace(' ', "-"))).collect();
    expected.sort();
    assert_eq!(written, expected);
    for name in &written {
        let page = fs::read_to_string(folder.join(name)).unwrap();
        for part in [".TH visma-webhooks", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLE"] {
            assert!(page.contains(&format!("\n{part}")), "{name} has no {part}");
        }
        assert!(page.contains("\nvisma\\-webhooks "), "{name} has no example on a line of its own");
    }
    let told: Value = text(&output.stdout).parse().unwrap();
    assert_eq!(told.as_array().map(Vec::len), Some(expected.len()));
}

#[test]
fn writes_the_programs_page_to_standard_output_without_a_folder() {
    let output = run(&["man"], "");
    let page = text(&output.stdout);
    let title = concat!(".TH visma-webhooks 1 \"\" \"visma-webhooks ", env!("CARGO_PKG_VERSION"), "\"");
    assert!(output.status.success() && page.contains(title), "{page}");
    for part in [".SH \"EXIT CODES\"\n.nf\n", ".SH ENVIRONMENT\n.nf\n", "visma\\-webhooks\\-tail(1)\n"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn reports_a_folder_that_cannot_be_created() {
    let file = folder("man-file").join("file");
    fs::write(&file, "").unwrap();
    let output = run(&["man", "--out", file.join("man1").to_str().unwrap()], "");
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("--out"), "{output:?}");
}
