//! Output for people: tables that fit a terminal, bars, and confirmations.

use visma_webhooks::output::{fitted, row_within};
use visma_webhooks::progress::line;
use visma_webhooks::prompt::is_yes;

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
