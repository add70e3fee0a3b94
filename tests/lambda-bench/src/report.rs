//! The results of a bench, as Markdown: its figures, tables and goals.

use crate::{Error, Result};
use comfy_table::{ContentArrangement, Table, presets};
use std::fs;
use std::path::Path;
use std::time::Duration;

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

/// A sample of figures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// In milliseconds.
    pub(crate) fn of_times(times: impl IntoIterator<Item = Duration>) -> Self {
        Self::of(times.into_iter().map(milliseconds))
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.at(middle) } else { (self.at(middle.wrapping_sub(1)) + self.at(middle)) / 2.0 }
    }

    /// The smallest figure that is not exceeded by `percent` of all.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.at((self.0.len() * percent).div_ceil(100).saturating_sub(1))
    }

    /// As `median (smallest to largest)`.
    pub(crate) fn spread(&self) -> String {
        let most = self.0.len().wrapping_sub(1);
        format!("{} ({} to {})", shown(self.median()), shown(self.at(0)), shown(self.at(most)))
    }

    fn at(&self, position: usize) -> f64 {
        self.0.get(position).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// In units of 1,000,000 bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// With three significant digits, or all before the point.
pub(crate) fn shown(figure: f64) -> String {
    let decimals = if figure.abs() >= 100.0 {
        0
    } else if figure.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{figure:.decimals$}")
}

/// The ratio to the other figure.
pub(crate) fn times(figure: f64, other: f64) -> String {
    format!("{}x", shown(figure / other))
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

    #[test]
    fn the_median_and_the_percentiles_of_few_figures() {
        let odd = Sample::of([3.0, 1.0, 2.0]);
        assert_eq!((odd.median(), odd.percentile(50), odd.percentile(99)), (2.0, 2.0, 3.0));
        assert_eq!(Sample::of([4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        let hundred = Sample::of((1..=100).map(f64::from));
        assert_eq!((hundred.percentile(50), hundred.percentile(99), hundred.percentile(100)), (50.0, 99.0, 100.0));
        assert!(Sample::default().median().is_nan());
    }

    #[test]
    fn figures_are_shown_to_three_digits() {
        assert_eq!([shown(0.126), shown(9.8), shown(12.34), shown(1234.5)], ["0.13", "9.80", "12.3", "1234"]);
        assert_eq!(Sample::of_times([1, 2, 9].map(Duration::from_millis)).spread(), "2.00 (1.00 to 9.00)");
        assert_eq!(times(3.0, 2.0), "1.50x");
    }
}
