//! Turns criterion's results into one table.

use crate::report::markdown;
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// A measurement.
pub struct Row {
    pub group: &'static str,
    /// Its id within criterion's group.
    pub what: &'static str,
    pub size: usize,
    pub label: String,
    /// The id and size of the row that its ratio refers to, in the same group.
    pub compared_with: (&'static str, usize),
    /// Notifications in one iteration.
    pub notifications: usize,
    /// Allocations of one iteration, and their bytes.
    pub allocations: Option<(u64, u64)>,
}

#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
    median_abs_dev: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    /// In nanoseconds.
    point_estimate: f64,
}

impl Row {
    fn is_compared_with(&self, other: &Self) -> bool {
        self.group == other.group && self.compared_with == (other.what, other.size)
    }

    /// The estimates of one notification. `None` if it was not measured.
    fn estimates(&self, folder: &Path) -> Option<Estimates> {
        let path = folder.join(self.group).join(self.what).join(self.size.to_string()).join("new/estimates.json");
        let text = fs::read_to_string(path).ok()?;
        let mut estimates: Estimates = serde_json::from_str(&text).ok()?;
        estimates.median.point_estimate /= self.notifications as f64;
        estimates.median_abs_dev.point_estimate /= self.notifications as f64;
        Some(estimates)
    }
}

pub(crate) fn table(folder: &Path, rows: &[Row]) -> String {
    let header = ["", "median µs of CPU", "± %", "ratio", "allocations", "allocated bytes"];
    let lines = rows.iter().filter_map(|row| {
        let Estimates { median, median_abs_dev } = row.estimates(folder)?;
        let base = rows.iter().find(|other| row.is_compared_with(other)).and_then(|other| other.estimates(folder));
        let ratio = base.map(|base| median.point_estimate / base.median.point_estimate);
        let each = |sum: u64| format!("{:.0}", sum as f64 / row.notifications as f64);
        Some([
            row.label.clone(),
            format!("{:.2}", median.point_estimate / 1e3),
            format!("{:.1}", median_abs_dev.point_estimate / median.point_estimate * 1e2),
            ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            row.allocations.map(|(count, _)| each(count)).unwrap_or_default(),
            row.allocations.map(|(_, bytes)| each(bytes)).unwrap_or_default(),
        ])
    });
    markdown(header, lines)
}
