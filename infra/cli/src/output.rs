//! What a command shows, as a table for people or as JSON for programs.

use crate::error::{Exit, Failure};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

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
}

pub type Outcome = Result<Report, Failure>;

impl Report {
    pub fn new(json: impl Serialize, text: impl Into<String>) -> Self {
        let json = serde_json::to_value(json).expect("what commands show has text keys and always serialises");
        Self { json, text: text.into(), exit: Exit::Ok }
    }

    pub fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

/// Text in columns, without lines between them.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.map(str::to_uppercase));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.add_rows(rows.into_iter().map(|row| row.map(|cell| printable(&cell))));
    table.trim_fmt()
}

/// Names and values below each other.
pub fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

/// Texts of others go to a terminal, which control characters would command.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Writes a line to standard output at once. That nobody reads it any more, as after `| head`, ends the program quietly.
pub fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(text.trim_end().as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    written.map_err(|error| Failure::new(Exit::Ok, format!("standard output is closed: {error}"), ""))
}

pub fn show(report: &Report, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json if report.json.is_null() => Ok(()),
        Format::Json => line(&format!("{:#}", report.json)),
        Format::Table if report.text.is_empty() => Ok(()),
        Format::Table => line(&report.text),
    }
}
