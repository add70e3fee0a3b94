//! Reports: their tables in Markdown, and their folder.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// `target/bench`.
pub fn folder() -> PathBuf {
    target("bench")
}

/// A folder beside the build's output.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(name)
}

/// # Errors
/// The file cannot be written.
pub fn write(name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(folder().join(name), text)
}

/// The first column is text, the others are numbers.
pub fn markdown<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// With two decimals, or empty for zero.
pub fn amount(number: f64) -> String {
    if number.abs() < 0.005 { String::new() } else { format!("{number:.2}") }
}
