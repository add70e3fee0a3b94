//! Captures lines of metrics for tests.

use crate::contract::SERVICE;
use serde_json::Value;
use std::io::{self, Write};
use webhooks_telemetry::Captured;

/// A writer that keeps what is written and reads it as CloudWatch does. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Emitted(Captured);

impl Emitted {
    pub fn lines(&self) -> Vec<Value> {
        self.0.lines()
    }

    /// All values of a series: a metric (`Retried`), or a metric with the value of its second
    /// dimension (`Retried unavailable`).
    pub fn values(&self, series: &str) -> Vec<u64> {
        let (name, dimension) = series.split_once(' ').map_or((series, None), |(name, value)| (name, Some(value)));
        let lines = self.lines();
        let of_series = lines.iter().filter(|line| dimension_sets(line).any(|of_line| of_line == dimension));
        let found = of_series.filter(|line| is_described(line, name)).map(|line| &line[name]);
        found.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])).map(number).collect()
    }

    /// The sum of a counter.
    pub fn count(&self, series: &str) -> u64 {
        self.values(series).iter().sum()
    }
}

fn directive(line: &Value) -> &Value {
    &line["_aws"]["CloudWatchMetrics"][0]
}

/// The second dimension's value in each set; `None` where the set has one dimension.
fn dimension_sets(line: &Value) -> impl Iterator<Item = Option<&str>> {
    let sets = directive(line)["Dimensions"].as_array().into_iter().flatten();
    sets.map(move |set| {
        let names = set.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.filter(|name| *name != SERVICE).find_map(|name| line[name].as_str())
    })
}

fn is_described(line: &Value, metric: &str) -> bool {
    directive(line)["Metrics"].as_array().into_iter().flatten().any(|described| described["Name"] == metric)
}

fn number(value: Value) -> u64 {
    value.as_u64().expect("every value is a whole number")
}

impl Write for Emitted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
