#![doc = include_str!("../README.md")]

mod cloudwatch;
mod grafana;
mod panels;
mod series;

pub use panels::{ALARMS, ATTENTION, CONSOLE, OPERATIONS_ALARMS, Panel, Row, Shown, View, rows};
pub use series::{Dollars, Prices, Series, Source};

use serde_json::{Map, Value};

/// The generated files: path below `infra/dashboards`, content.
pub fn files() -> [(&'static str, String); 2] {
    let rows = rows();
    [("cloudwatch.yaml", cloudwatch::template(&rows)), ("grafana.json", grafana::dashboard(&rows))]
}

/// Sorts the keys, even if a dependency has enabled serde_json's `preserve_order`.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}
