//! Notifications and their timelines as text.

use crate::output::{self, fields, table};
use serde_json::Value;

const COLUMNS: [&str; 7] = ["received (utc)", "event", "key", "state", "reason", "feedback", "ref"];
/// Column widths of rows that are printed one after another; the last column has none.
const WIDTHS: [usize; 6] = [20, 30, 14, 11, 20, 8];

pub(super) fn list(items: &[Value]) -> String {
    table(COLUMNS, items.iter().map(row))
}

/// One row of a list that continues.
pub(super) fn line(item: &Value) -> String {
    output::row(&COLUMNS, &row(item), &WIDTHS)
}

pub(super) fn timeline(one: &Value) -> String {
    let names =
        ["ref", "tenant", "entity", "key", "event", "channel", "origin", "subscription", "state", "reason", "status"];
    let about = names.iter().map(|name| (*name, text(&one[*name])));
    let about = fields(about.chain([("feedback", feedback(one))]));
    let moments = one["timeline"].as_array().into_iter().flatten();
    let rows = moments.map(|moment| {
        let [at, what, reason, said, by] = ["at", "what", "reason", "text", "by"].map(|name| text(&moment[name]));
        [
            second(&at),
            what,
            by,
            [reason, said].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": "),
        ]
    });
    format!("{about}\n{}", table(["at (utc)", "what", "by", "text"], rows))
}

/// What needs attention, of any tenant.
pub(super) fn attention(items: &[Value]) -> String {
    let rows = items.iter().map(|item| {
        let [kind, tenant, event] = ["kind", "tenant", "event"].map(|name| text(&item[name]));
        let [key, reason, reference] = ["key", "reason", "ref"].map(|name| text(&item[name]));
        [kind, second(&text(&item["received_at"])), tenant, event, key, reason, reference]
    });
    table(["kind", "received (utc)", "tenant", "event", "key", "reason", "ref"], rows)
}

/// Acknowledged notifications, with who acknowledged them and why.
pub(super) fn acknowledged(items: &[Value]) -> String {
    let rows = items.iter().map(|item| {
        let [at, by, note] = ["at", "by", "note"].map(|name| text(&item["attention"]["acknowledged"][name]));
        let [kind, key, reason, reference] = ["kind", "key", "reason", "ref"].map(|name| text(&item[name]));
        [kind, second(&at), by, note, key, reason, reference]
    });
    table(["kind", "acknowledged (utc)", "by", "note", "key", "reason", "ref"], rows)
}

fn row(item: &Value) -> [String; 7] {
    let [received, event, key] = ["received_at", "event", "key"].map(|name| text(&item[name]));
    let [state, reason, reference] = ["state", "reason", "ref"].map(|name| text(&item[name]));
    [second(&received), event, key, state, reason, feedback(item), reference]
}

/// A time from the API without its fraction.
pub(super) fn second(at: &str) -> String {
    at.split_once('.').map_or_else(|| at.to_owned(), |(whole, _)| format!("{whole}Z"))
}

fn feedback(item: &Value) -> String {
    text(&item["feedback"]["state"])
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
