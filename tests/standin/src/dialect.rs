//! Other forms of deliveries. No document says how Visma Net really writes them
//! (docs/visma-net.md#open-questions), so a receiver must notice differences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::{clock, collection::Fields};

/// The differences. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Dialect {
    /// The place of a body field, by its usual name: names of nested objects separated by `/`, or
    /// empty to leave it out. `key` is the resource's key, which the usual body has only in its
    /// path.
    pub fields: BTreeMap<String, String>,
    /// Event ids as `erp.account.updated`.
    pub dotted_events: bool,
    /// Writes timestamps of headers in seconds.
    pub seconds: bool,
    /// Writes the body's time as text without a zone, this many minutes ahead of UTC.
    pub local_minutes: Option<i16>,
    /// The body has an id that feedback does not accept; it accepts the header's.
    pub feedback_takes_header_id: bool,
}

impl Dialect {
    /// A dialect that differs in everything.
    pub fn foreign() -> Self {
        let fields = [
            ("notificationId", "messageId"),
            ("contextId", "company/no"),
            ("event", "what"),
            ("relativeResourceUri", ""),
            ("resourceUri", ""),
            ("key", "record/no"),
            ("status", "record/state"),
            ("timeStamp", "at"),
            ("source", "origin"),
            ("parameter", "argument"),
        ];
        Self {
            fields: fields.map(|(usual, own)| (usual.to_owned(), own.to_owned())).into(),
            dotted_events: true,
            seconds: true,
            local_minutes: Some(60),
            feedback_takes_header_id: true,
        }
    }

    /// An event's id.
    pub(crate) fn event(&self, id: &str) -> String {
        if self.dotted_events { format!("erp.{}", id.to_lowercase().replace('_', ".")) } else { id.to_owned() }
    }

    /// A timestamp of a header.
    pub(crate) fn timestamp(&self, at: OffsetDateTime) -> String {
        let millis = at.unix_timestamp_nanos() / 1_000_000;
        if self.seconds { at.unix_timestamp().to_string() } else { millis.to_string() }
    }

    /// The body's fields.
    pub(crate) fn write(&self, mut usual: Fields, key: Option<&str>) -> Fields {
        if let (Some(minutes), Some(ticks)) = (self.local_minutes, usual.get("timeStamp").and_then(Value::as_i64)) {
            let at = clock::from_ticks(ticks).map(|at| clock::written(at + Duration::minutes(minutes.into())));
            usual.insert("timeStamp".to_owned(), at.into());
        }
        if self.fields.contains_key("key") {
            usual.extend(key.map(|key| ("key".to_owned(), key.into())));
        }
        let mut written = Fields::new();
        for (name, value) in usual {
            match self.fields.get(&name).map(String::as_str) {
                Some("") => {}
                Some(place) => put(&mut written, place, value),
                None => put(&mut written, &name, value),
            }
        }
        written
    }
}

fn put(into: &mut Map<String, Value>, place: &str, value: Value) {
    let Some((name, rest)) = place.split_once('/') else {
        into.insert(place.to_owned(), value);
        return;
    };
    let inner = into.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Some(inner) = inner.as_object_mut() {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(dialect: &Dialect) -> Value {
        let usual = json!({"event": "ACCOUNT_UPDATED", "timeStamp": 637_969_430_208_130_000_i64, "resourceUri": "x", "status": "Open", "more": 1});
        let Value::Object(usual) = usual else { unreachable!("an object") };
        dialect.write(usual, Some("1920")).into()
    }

    #[test]
    fn the_usual_dialect_changes_nothing() {
        let usual = Dialect::default();
        assert_eq!(written(&usual)["timeStamp"], json!(637_969_430_208_130_000_i64));
        assert_eq!(written(&usual)["key"], Value::Null);
        assert_eq!(usual.event("ACCOUNT_UPDATED"), "ACCOUNT_UPDATED");
    }

    #[test]
    fn a_foreign_dialect_has_other_names_places_times_and_ids() {
        let foreign = Dialect::foreign();
        assert_eq!(
            written(&foreign),
            json!({"what": "ACCOUNT_UPDATED", "at": "2022-08-24T14:03:40.813", "record": {"no": "1920", "state": "Open"}, "more": 1})
        );
        assert_eq!(foreign.event("ACCOUNT_UPDATED"), "erp.account.updated");
        assert_eq!(foreign.timestamp(OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_795_435_200)), "1795435200");
    }
}
