//! Output for people: tables that fit a terminal, bars, confirmations, and manual pages.

use crate::access::folder;
use crate::program::{commands, run, text};
use clap::CommandFactory;
use serde_json::{Value, json};
use std::fs;
use visma_webhooks::Arguments;
use visma_webhooks::output::{escaped, fitted, row_within};
use visma_webhooks::terminal::{is_yes, line};

const COLUMNS: [&str; 7] = ["RECEIVED (UTC)", "EVENT", "KEY", "STATE", "REASON", "FEEDBACK", "REF"];
const REFERENCE: &str = "01JDQ4Z8M3W9T6V2K5N7P1R0XY";

fn cells(reference: &str) -> Vec<String> {
    let cells = ["2026-11-24T04:40:12Z", "PURCHASE_ORDER_ACTION_TRIGGERED", "SO/000123", "dead", "unavailable", "sent"];
    cells.into_iter().chain([reference]).map(str::to_owned).collect()
}

fn header() -> Vec<String> {
    COLUMNS.map(str::to_owned).to_vec()
}

#[test]
fn a_table_fits_80_columns_with_whole_times_and_names() {
    let text = fitted(&header(), vec![cells(REFERENCE), cells(REFERENCE)], Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(text.matches(REFERENCE).count(), 2, "{text}");
    assert_eq!(text.matches("2026-11-24T04:40:12Z").count(), 2, "{text}");
    assert_eq!(text.lines().count(), 6, "a line for the names, and two for each row: {text}");
}

#[test]
fn a_pipe_gets_each_row_uncut_on_one_line() {
    let text = fitted(&header(), vec![cells(REFERENCE)], None);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("PURCHASE_ORDER_ACTION_TRIGGERED  SO/000123  dead"), "{text}");
    let narrow = vec![vec!["1".to_owned(), "2".to_owned()]];
    let names = ["A".to_owned(), "B".to_owned()];
    assert_eq!(fitted(&names, narrow.clone(), Some(80)), fitted(&names, narrow, None), "what fits stays as it is");
}

#[test]
fn wraps_a_long_last_text_between_words() {
    let long = "The change to customer 10001 was received and processed, and somebody wrote far more than fits here.";
    let text = fitted(&["AT (UTC)".into(), "TEXT".into()], vec![vec!["now".into(), long.into()]], Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(long.split_whitespace().all(|word| words.contains(&word)), "{text}");
}

#[test]
fn json_cannot_control_the_terminal_and_keeps_its_meaning() {
    let value = json!({ "Acct\u{9b}1A": "\u{202e}\u{1b}[2J\u{7f}å\n", "number": 1 });
    let text = escaped(&format!("{value:#}"));
    assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text}");
    assert_eq!((text.parse::<Value>().unwrap(), text.lines().count()), (value, 4));
}

#[test]
fn a_row_of_a_continuing_list_fits_too() {
    let widths = [20, 30, 14, 11, 20, 8];
    let text = row_within(&COLUMNS, &cells(REFERENCE), &widths, Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.starts_with("2026-11-24T04:40:12Z  ") && text.ends_with(REFERENCE), "{text}");
    assert_eq!(row_within(&COLUMNS, &cells(REFERENCE), &widths, None).lines().count(), 1);
}

#[test]
fn a_bar_shows_the_finished_share() {
    assert_eq!(line(5, Some(10), "5 sent"), "[##########----------]  50 %  5 sent");
    assert_eq!(line(12, Some(10), "12 sent"), "[####################] 100 %  12 sent");
    assert_eq!((line(5, None, "5 sent"), line(0, Some(0), "none")), ("5 sent".to_owned(), "none".to_owned()));
}

#[test]
fn only_yes_confirms() {
    assert!(is_yes("y\n") && is_yes(" Yes \n"));
    assert!(!is_yes("") && !is_yes("\n") && !is_yes("no\n") && !is_yes("yesterday\n"));
}

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
