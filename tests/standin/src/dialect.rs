//! Other forms of deliveries, and other rules of sending them. No document says how Visma Net
//! really does it (docs/visma-net.md#open-questions), so a receiver must notice differences.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{clock, collection::Fields};

/// The ids of a notification that is sent again by *Resend notification*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resent {
    /// As they were.
    #[default]
    Same,
    /// A new `x-vwd-notification-id`.
    NewHeaderId,
    /// A new id in the body.
    NewBodyId,
    /// One new id in both places.
    NewId,
}

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
    /// The body's ticks are by the clock of this zone, for example `Europe/Oslo`, instead of UTC.
    pub ticks_zone: Option<String>,
    pub resent: Resent,
    /// A 4xx ends a delivery as well. By default all but a 2xx is tried again.
    pub gives_up_at_4xx: bool,
    /// So many deliveries in a row that were given up disable their subscription, until the
    /// subscriptions are set again.
    pub disables_after: Option<u32>,
}

impl Dialect {
    /// A dialect that writes everything in another way, under the usual rules.
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
            ..Self::default()
        }
    }

    /// Whether an attempt with this answer is the last one.
    pub(crate) fn is_final(&self, status: Option<u16>) -> bool {
        self.gives_up_at_4xx && status.is_some_and(|status| (400..500).contains(&status))
    }

    /// The body's ticks.
    pub(crate) fn ticks(&self, ticks: i64) -> i64 {
        let zone = self.ticks_zone.as_deref();
        clock::from_ticks(ticks).map_or(ticks, |at| clock::ticks(clock::shown(zone, at)))
    }

    /// The item with another id, if it has one.
    pub(crate) fn with_id(&self, item: &str, id: Uuid) -> String {
        let place = self.fields.get("notificationId").map_or("notificationId", String::as_str);
        let Ok(mut item) = serde_json::from_str::<Value>(item) else { return item.to_owned() };
        if let Some(known) = item.pointer_mut(&format!("/{place}")) {
            *known = id.to_string().into();
        }
        item.to_string()
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

    #[test]
    fn ticks_by_a_local_clock_are_ahead_of_utc() {
        let oslo = Dialect { ticks_zone: Some("Europe/Oslo".to_owned()), ..Dialect::default() };
        let captured = 637_969_430_208_130_007;
        assert_eq!(oslo.ticks(captured), captured + 2 * 36_000_000_000);
        assert_eq!(Dialect::default().ticks(captured), captured);
    }

    #[test]
    fn an_id_is_replaced_where_the_dialect_puts_it() {
        let foreign = Dialect::foreign();
        let written = foreign.with_id(r#"{"messageId": "a", "notificationId": "b"}"#, Uuid::nil());
        assert_eq!(
            serde_json::from_str::<Value>(&written).unwrap(),
            json!({"messageId": Uuid::nil(), "notificationId": "b"})
        );
        assert_eq!(foreign.with_id(r#"{"notificationId":"b"}"#, Uuid::nil()), r#"{"notificationId":"b"}"#);
    }
}
