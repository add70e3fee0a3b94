//! Output: a table for people or JSON for programs.

use crate::error::{Exit, Failure};
use crate::terminal::say;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

/// Unset without a terminal.
static WIDTH: OnceLock<usize> = OnceLock::new();
const USUAL: usize = 80;
/// A smaller `COLUMNS` is ignored.
const NARROWEST: usize = 40;
const PADDING: u16 = 2;
const INDENT: usize = 4;
/// The narrowest width that a column is cut to.
const SHORTEST: usize = 6;
const MORE: &str = "There may be more: give a larger --limit.";
/// The suffix of the names of time columns.
const TIME: &str = "(UTC)";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

/// A command's result in both forms.
#[derive(Debug, Clone)]
pub struct Report {
    pub json: Value,
    pub text: String,
    pub exit: Exit,
    /// Whether a list ended at its limit.
    is_cut: bool,
    /// What to do if it cannot be shown; set if it has something that no command shows again.
    if_unseen: Option<&'static str>,
}

pub type Outcome = Result<Report, Failure>;

impl Report {
    pub fn new(json: impl Serialize, text: impl Into<String>) -> Self {
        let json = serde_json::to_value(json).expect("what commands show has text keys and always serialises");
        Self { json, text: text.into(), exit: Exit::Ok, is_cut: false, if_unseen: None }
    }

    pub fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Says that a list may go on. Beside JSON, standard error says it.
    pub fn limited(mut self, is_cut: bool) -> Self {
        if is_cut {
            self.text.push_str(&format!("\n\n{MORE}"));
        }
        Self { is_cut, ..self }
    }

    /// Fails with this advice if it cannot be shown, even if only the pipe is closed.
    pub fn must_be_seen(self, advice: &'static str) -> Self {
        Self { if_unseen: Some(advice), ..self }
    }

    /// The JSON must be an object.
    pub fn with_warnings(mut self, warnings: &[String]) -> Self {
        for warning in warnings {
            self.text.push_str(&format!("\nwarning: {warning}"));
        }
        self.json["warnings"] = warnings.into();
        self
    }
}

/// Text in columns, without lines between them. After [`fit_the_terminal`] it fits the terminal.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let header = header.map(str::to_uppercase).to_vec();
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    fitted(&header, rows, width())
}

/// Fits tables to the terminal from now on: to `COLUMNS`, or 80 columns. Files and pipes have no
/// width.
pub fn fit_the_terminal() {
    let told = || -> Option<usize> { std::env::var("COLUMNS").ok()?.parse().ok() };
    if io::stdout().is_terminal() {
        WIDTH.get_or_init(|| told().filter(|columns| *columns >= NARROWEST).unwrap_or(USUAL));
    }
}

fn width() -> Option<usize> {
    WIDTH.get().copied()
}

/// If a table is too wide, its last column goes below each row, uncut, since it is often a name to
/// copy. Long texts in the other columns are cut.
pub fn fitted(header: &[String], mut rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let natural = drawn(header, &rows);
    let is_too_wide = |width: usize| natural.lines().any(|line| line.chars().count() > width);
    let (Some(width), Some((last, others))) =
        (width.filter(|width| is_too_wide(*width)), header.split_last().filter(|(_, others)| !others.is_empty()))
    else {
        return natural;
    };
    let lasts: Vec<String> = rows.iter().map(|row| row.last().cloned().unwrap_or_default()).collect();
    rows.iter_mut().for_each(|row| row.truncate(others.len()));
    let widths = narrowed(others, &rows, width);
    let cut = |row: &[String]| row.iter().zip(&widths).map(|(cell, width)| shortened(cell, *width)).collect();
    let header: Vec<String> = cut(others);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cut(row)).collect();
    let mut text = String::new();
    for (line, below) in drawn(&header, &rows).lines().zip(std::iter::once(last).chain(&lasts)) {
        text.push_str(&format!("{line}\n"));
        wrapped(below, width - INDENT).iter().for_each(|part| text.push_str(&format!("{:INDENT$}{part}\n", "")));
    }
    text
}

fn drawn(header: &[String], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    table.add_rows(rows.iter().cloned());
    table.trim_fmt()
}

/// Widths that fit the columns beside each other.
fn narrowed(header: &[String], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.chain(header.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    squeezed(header, (0..header.len()).map(of).collect(), width)
}

/// Narrows the widest columns first, except those with times.
fn squeezed(header: &[impl AsRef<str>], mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let space = usize::from(PADDING) * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + space > width {
        let texts = widths.iter_mut().zip(header).filter(|(_, name)| !name.as_ref().to_uppercase().ends_with(TIME));
        let widest = texts.map(|(width, _)| width).max();
        let Some(widest) = widest.filter(|widest| **widest > SHORTEST) else { break };
        *widest -= 1;
    }
    widths
}

/// One row of a table that continues, with fixed widths. Its last cell has none.
pub fn row(header: &[&str], cells: &[String], widths: &[usize]) -> String {
    row_within(header, cells, widths, width())
}

/// The same within a width. Without a width, nothing is cut and everything is on one line.
pub fn row_within(header: &[&str], cells: &[String], widths: &[usize], width: Option<usize>) -> String {
    let last = cells.last().map(|last| printable(last)).unwrap_or_default();
    let Some(width) = width else {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{:width$}  ", printable(cell)));
        return cells.collect::<String>() + &last;
    };
    let cells = cells.iter().zip(squeezed(header, widths.to_vec(), width));
    let cells: String = cells.map(|(cell, width)| format!("{:width$}  ", shortened(&printable(cell), width))).collect();
    format!("{}\n{:INDENT$}{last}", cells.trim_end(), "")
}

fn shortened(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars().take(width.saturating_sub(1)).chain(['\u{2026}']).collect()
}

/// Wraps at words. A word longer than a line stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Names and values, one pair per line.
pub fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

/// Replaces control characters and those that change the direction of a text, so that foreign text
/// can neither control the terminal nor change how the rest of its line reads.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { ' ' } else { c }).collect()
}

/// The same for JSON, whose meaning stays: it escapes these characters, which are only in texts.
pub fn escaped(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_harmful(c) {
            harmless.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            harmless.push(c);
        }
    }
    harmless
}

fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Writes a line to standard output at once. A closed pipe, as after `| head`, ends the program
/// quietly. A full disk does not.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(text.trim_end().as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Exit::Ok, format!("standard output is closed: {error}"), ""),
        _ => Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"), "Is the disk full?"),
    })
}

pub fn show(report: &Report, format: Format) -> Result<(), Failure> {
    if report.is_cut && format == Format::Json {
        say(MORE);
    }
    let shown = match format {
        Format::Json if report.json.is_null() => Ok(()),
        Format::Json => line(&escaped(&format!("{:#}", report.json))),
        Format::Table if report.text.is_empty() => Ok(()),
        Format::Table => line(&report.text),
    };
    match report.if_unseen {
        Some(advice) => shown.map_err(|failure| Failure::new(Exit::Failed, failure.what, advice)),
        None => shown,
    }
}
