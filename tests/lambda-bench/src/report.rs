//! The results of a bench, as Markdown.

use crate::error::{Error, Result};
use comfy_table::{ContentArrangement, Table, presets};
use std::fs;
use std::path::Path;

/// A text with tables, and the goals of the bench.
#[derive(Debug, Default)]
pub struct Report {
    text: String,
    goals: Vec<Goal>,
}

#[derive(Debug)]
struct Goal {
    text: String,
    is_met: bool,
    /// Counts are the same on every machine and in every run; other figures are not.
    is_count: bool,
}

impl Report {
    pub(crate) fn new(title: &str) -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("?").to_owned();
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let text = format!("# {title}\n\n{processors} processors; load when it began: {load}.\n");
        Self { text, goals: Vec::new() }
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        self.text.push_str(&format!("\n{text}\n"));
    }

    pub(crate) fn table<const N: usize>(&mut self, header: [&str; N], rows: Vec<[String; N]>) {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header).add_rows(rows);
        self.text.push_str(&format!("\n{table}\n"));
    }

    /// A goal that depends on the machine and its load. It is only reported.
    pub(crate) fn aims(&mut self, text: impl Into<String>, is_met: bool) {
        self.goals.push(Goal { text: text.into(), is_met, is_count: false });
    }

    /// A goal that must be met.
    pub(crate) fn must(&mut self, text: impl Into<String>, is_met: bool) {
        self.goals.push(Goal { text: text.into(), is_met, is_count: true });
    }

    /// Whether all goals that must be met are met.
    pub fn holds(&self) -> bool {
        self.goals.iter().all(|goal| goal.is_met || !goal.is_count)
    }

    pub fn markdown(&self) -> String {
        let goals = self.goals.iter().map(|goal| {
            let met = match (goal.is_met, goal.is_count) {
                (true, _) => "met",
                (false, true) => "**MISSED**",
                (false, false) => "**not met**",
            };
            format!("- {}: {met}\n", goal.text)
        });
        format!("{}\n{}", self.text, goals.collect::<String>())
    }

    /// Writes `{name}.md`.
    ///
    /// # Errors
    /// The folder cannot be made, or the file cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        let file = folder.join(name).with_extension("md");
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, self.markdown()));
        written.map_err(Error::io(format!("write {}", file.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_count_fails_and_a_missed_figure_does_not() {
        let mut report = Report::new("Starts");
        report.table(["function", "ms"], vec![["intake".to_owned(), "3.1".to_owned()]]);
        report.aims("fast", false);
        assert!(report.holds());
        report.must("one call", false);
        assert!(!report.holds());
        let text = report.markdown();
        assert!(
            text.contains("| intake   | 3.1 |") && text.ends_with("- fast: **not met**\n- one call: **MISSED**\n"),
            "{text}"
        );
    }
}
