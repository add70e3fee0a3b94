//! The settings that say where a payload has its fields, for bodies with unknown names
//! (docs/visma-net.md#open-questions, questions 1 and 12).

use crate::catalogue::{CATALOGUE, EventType};
use crate::fields::Fields;
use crate::from_objects;
use crate::pattern;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;

/// The `events` of a rule that says where the event's name is.
const ANY: &str = "*";

/// Where the payloads of some events have their fields. Each list is tried in order, and the first
/// place with a text or a number counts. If no place has one, the built-in names are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct FieldRule {
    /// A pattern over `{entity}.{kind}`, for example `sales_order.*`.
    #[serde(default = "every_event")]
    pub events: String,
    /// The event's name. It is read before the event is known, so only a rule for all events can
    /// have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event: Vec<Pointer>,
    /// The company's number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub company: Vec<Pointer>,
    /// The entity's number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<KeyPlace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<Pointer>,
    /// The configured text of an action.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameter: Vec<Pointer>,
    /// The notification's id, a UUID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id: Vec<Pointer>,
    /// When it happened: ticks, milliseconds, seconds, or a text in round-trip form. A place with
    /// anything else counts as empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time: Vec<Pointer>,
}

from_objects!(FieldRule);

/// `remote` applies to writing as well.
impl Serialize for FieldRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// A JSON pointer (RFC 6901), for example `/entity/no`. Names ignore case, as everywhere in a
/// payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(String);

/// The place of a key: one field, or several that form it together, such as an order's type and
/// number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPlace {
    One(Pointer),
    /// Joined with `/`, as in a resource path.
    Joined(Vec<Pointer>),
}

impl Pointer {
    /// Unchecked. [`check`] validates it with its document.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pointer to the field at this path of names, from the outermost inwards.
    pub fn to<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self(names.into_iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a field and has `~` only in `~0` and `~1`.
    fn is_valid(&self) -> bool {
        self.0.starts_with('/') && self.0.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
    }

    fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|name| match name.contains('~') {
            true => Cow::Owned(name.replace("~1", "/").replace("~0", "~")),
            false => Cow::Borrowed(name),
        })
    }

    fn text(&self, fields: &Fields<'_>) -> Option<String> {
        fields.at(self.names())
    }
}

impl KeyPlace {
    fn pointers(&self) -> &[Pointer] {
        match self {
            Self::One(pointer) => std::slice::from_ref(pointer),
            Self::Joined(pointers) => pointers,
        }
    }

    fn text(&self, fields: &Fields<'_>) -> Option<String> {
        let parts: Vec<String> = self.pointers().iter().map(|pointer| pointer.text(fields)).collect::<Option<_>>()?;
        Some(parts.join("/"))
    }
}

fn every_event() -> String {
    ANY.to_owned()
}

/// The mistake in a list of rules and its place: `fields[1].key[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub fault: Fault,
    pub at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The pattern matches no event of the catalogue.
    EventsUnknown,
    /// Only a rule for all events may say where the event's name is.
    EventsTooNarrow,
    /// Not a JSON pointer to a field.
    PointerInvalid,
}

/// # Errors
/// The first mistake.
pub fn check(rules: &[FieldRule]) -> Result<(), Mistake> {
    for (at, rule) in rules.iter().enumerate() {
        if !CATALOGUE.iter().any(|event| pattern::covers(&rule.events, event.entity, event.kind)) {
            return Err(Mistake { fault: Fault::EventsUnknown, at: format!("fields[{at}].events") });
        }
        if !rule.event.is_empty() && rule.events != ANY {
            return Err(Mistake { fault: Fault::EventsTooNarrow, at: format!("fields[{at}].event") });
        }
        let lists = [
            ("event", &rule.event),
            ("company", &rule.company),
            ("status", &rule.status),
            ("parameter", &rule.parameter),
            ("id", &rule.id),
            ("time", &rule.time),
        ];
        for (name, list) in lists {
            let places = list.iter().map(std::slice::from_ref);
            check_places(places).map_err(|nth| pointer_invalid(at, name, nth))?;
        }
        check_places(rule.key.iter().map(KeyPlace::pointers)).map_err(|nth| pointer_invalid(at, "key", nth))?;
    }
    Ok(())
}

/// # Errors
/// The index of the invalid place.
fn check_places<'p>(places: impl Iterator<Item = &'p [Pointer]>) -> Result<(), usize> {
    let is_place = |pointers: &[Pointer]| !pointers.is_empty() && pointers.iter().all(Pointer::is_valid);
    places.enumerate().find(|(_, pointers)| !is_place(pointers)).map_or(Ok(()), |(nth, _)| Err(nth))
}

fn pointer_invalid(at: usize, name: &str, nth: usize) -> Mistake {
    Mistake { fault: Fault::PointerInvalid, at: format!("fields[{at}].{name}[{nth}]") }
}

/// The event's name, from the place that a rule names.
pub(crate) fn event_name(rules: &[FieldRule], fields: &Fields<'_>) -> Option<String> {
    rules.iter().flat_map(|rule| &rule.event).find_map(|pointer| pointer.text(fields))
}

/// The rules for one item.
pub(crate) struct Mapped<'a> {
    rules: Vec<&'a FieldRule>,
    fields: &'a Fields<'a>,
}

impl<'a> Mapped<'a> {
    pub(crate) fn new(rules: &'a [FieldRule], event: Option<&EventType>, fields: &'a Fields<'a>) -> Self {
        let covers = |rule: &&FieldRule| {
            rule.events == ANY || event.is_some_and(|event| pattern::covers(&rule.events, event.entity, event.kind))
        };
        Self { rules: rules.iter().filter(covers).collect(), fields }
    }

    pub(crate) fn key(&self) -> Option<String> {
        self.rules.iter().flat_map(|rule| &rule.key).find_map(|place| place.text(self.fields))
    }

    /// The text from the rules, or else from the built-in names.
    pub(crate) fn text(&self, places: fn(&FieldRule) -> &[Pointer], names: &[&str]) -> Option<String> {
        self.said(places).or_else(|| self.fields.text(names))
    }

    /// What `read` makes of the first text that it understands, in the same order.
    pub(crate) fn first<T>(
        &self,
        places: fn(&FieldRule) -> &[Pointer],
        names: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let mapped = self.rules.iter().flat_map(|rule| places(rule)).filter_map(|pointer| pointer.text(self.fields));
        let built_in = names.iter().filter_map(|name| self.fields.text(&[name]));
        mapped.chain(built_in).find_map(|text| read(&text))
    }

    pub(crate) fn said(&self, places: fn(&FieldRule) -> &[Pointer]) -> Option<String> {
        self.rules.iter().flat_map(|rule| places(rule)).find_map(|pointer| pointer.text(self.fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;
    use crate::notification::{Directory, NoDirectory, Notification};
    use crate::{Delivery, Entity};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    struct Rules(Vec<FieldRule>);

    impl Rules {
        fn of(json: Value) -> Self {
            Self(serde_json::from_value(json).unwrap())
        }
    }

    impl Directory for Rules {
        fn event_alias(&self, _: &str) -> Option<&'static EventType> {
            None
        }

        fn tenant_of_company(&self, company: &str) -> Option<String> {
            (company == "1234567").then(|| "t-1".to_owned())
        }

        fn fields(&self) -> &[FieldRule] {
            &self.0
        }
    }

    fn of(event: &str, body: &Value) -> Delivery {
        let mut delivery = delivery(body.to_string().as_bytes());
        delivery.meta.event = Some(event.to_owned());
        delivery
    }

    fn read(delivery: &Delivery, directory: &impl Directory) -> Notification {
        Notification::all_of(delivery, directory).remove(0)
    }

    #[test]
    fn every_field_is_read_where_the_settings_say() {
        let rules = Rules::of(json!([
            {"events": "*", "event": ["/what"], "company": ["/firm/no"]},
            {"events": "shipment.*", "key": ["/missing", "/entity/no"], "status": ["/states/1"], "parameter": ["/said"],
             "id": ["/ids/own"], "time": ["/at"]},
        ]));
        let body = json!({
            "What": "SHIPMENT_ACTION_TRIGGERED", "firm": {"NO": 1234567}, "entity": {"no": "A 1"}, "states": ["Open", "On hold"],
            "said": "print", "ids": {"own": ID}, "at": "2026-11-23T12:00:00Z",
            "number": "decoy", "status": "decoy", "parameter": "decoy", "timeStamp": 1,
        });
        let n = read(&delivery(body.to_string().as_bytes()), &rules);
        assert_eq!((n.event_name(), n.tenant.as_deref()), ("SHIPMENT_ACTION_TRIGGERED", Some("t-1")));
        assert_eq!((n.entity_key.as_deref(), n.status.as_deref()), (Some("A 1"), Some("On hold")));
        assert_eq!((n.parameter.as_deref(), n.id_in_body), (Some("print"), crate::SenderId::new(ID)));
        assert_eq!(n.occurred_at, Some(crate::Ticks::from_datetime(time::macros::datetime!(2026-11-23 12:00 UTC))));
        assert_eq!(n.path.unwrap().to_string(), "v1/shipment/A%201");
    }

    #[test]
    fn a_key_of_two_parts_is_joined_like_a_resource_path() {
        let rules = Rules::of(json!([{"events": "sales_order.*", "key": [["/kind", "/no"], "/no"]}]));
        let key = |body| read(&of("SALESORDER_UPDATED", &body), &rules);
        let n = key(json!({"kind": "SO", "no": 42}));
        assert_eq!(
            (n.entity_key.as_deref(), n.path.unwrap().to_string().as_str()),
            (Some("SO/42"), "api/v3/SalesOrders/SO/42")
        );
        assert_eq!(key(json!({"no": "42"})).unusable, Some(crate::Reason::Unidentified), "an order has a type");
    }

    #[test]
    fn falls_back_to_the_built_in_names() {
        let rules = Rules::of(json!([{"events": "account.*", "key": ["/entity/no"], "status": ["/entity"]}]));
        let n = read(&of("ACCOUNT_CHANGED", &json!({"accountCd": "1920", "status": "Active"})), &rules);
        assert_eq!((n.entity_key.as_deref(), n.status.as_deref()), (Some("1920"), Some("Active")));
    }

    #[test]
    fn does_not_follow_a_path_to_another_entity_than_the_mapped_key() {
        let rules = Rules::of(json!([{"key": ["/no"]}]));
        let body = |path| json!({"no": "1920", "relativeResourceUri": path});
        for (path, expected) in [("v1/account/1930", "v1/account/1920"), ("v2/account/1920", "v2/account/1920")] {
            let n = read(&of("ACCOUNT_CHANGED", &body(path)), &rules);
            assert_eq!((n.entity_key.as_deref(), n.path.unwrap().to_string().as_str()), (Some("1920"), expected));
        }
    }

    #[test]
    fn a_rule_applies_to_the_events_of_its_pattern() {
        let rules =
            Rules::of(json!([{"events": "customer.*", "key": ["/no"]}, {"events": "*.deleted", "key": ["/was"]}]));
        let key = |event| read(&of(event, &json!({"no": "new", "was": "old"})), &rules).entity_key;
        assert_eq!(key("CUSTOMER_CHANGED").as_deref(), Some("new"));
        assert_eq!(key("ACCOUNT_DELETED").as_deref(), Some("old"));
        assert_eq!(key("ACCOUNT_CHANGED"), None);
    }

    #[test]
    fn a_field_that_is_no_time_leaves_the_time_to_the_next_one() {
        let expected = Some(time::macros::datetime!(2026-07-01 12:00 UTC));
        // A row version, as the ERP's resources have it under this name, and .NET's default.
        for stamp in [json!("AAAAAAAB4kA="), json!("0001-01-01T00:00:00"), json!(0)] {
            let body = json!({"accountCd": "1920", "timeStamp": stamp, "lastModifiedDateTime": "2026-07-01T12:00:00Z"});
            for rules in [json!([]), json!([{"time": ["/accountCd", "/timeStamp"]}])] {
                let n = read(&of("ACCOUNT_CHANGED", &body), &Rules::of(rules));
                assert_eq!(n.occurred_at.map(|at| at.to_datetime()), expected, "{stamp}");
            }
        }
    }

    #[test]
    fn reports_a_mistake_with_its_place_and_kind() {
        let refuses = |json, fault, at: &str| {
            assert_eq!(check(&Rules::of(json).0), Err(Mistake { fault, at: at.to_owned() }));
        };
        for pointer in ["", "no", "/a~", "/a~2b"] {
            refuses(json!([{"key": ["/a", pointer]}]), Fault::PointerInvalid, "fields[0].key[1]");
            refuses(json!([{}, {"id": [pointer]}]), Fault::PointerInvalid, "fields[1].id[0]");
        }
        refuses(json!([{"key": [[]]}]), Fault::PointerInvalid, "fields[0].key[0]");
        refuses(json!([{"key": [["/a", "b"]]}]), Fault::PointerInvalid, "fields[0].key[0]");
        refuses(json!([{"events": "acount.*"}]), Fault::EventsUnknown, "fields[0].events");
        refuses(json!([{"events": "account.*", "event": ["/a"]}]), Fault::EventsTooNarrow, "fields[0].event");
        assert_eq!(check(&Rules::of(json!([{"key": ["/a~0~1", ["/b", "/"]]}, {"events": "account.*"}])).0), Ok(()));
    }

    fn nested(names: &[String], value: &str) -> Value {
        names.iter().rev().fold(json!(value), |inner, name| json!({ "decoy": "no", name.as_str(): inner }))
    }

    proptest! {
        #[test]
        fn the_key_read_is_the_one_put_there_whatever_the_shape(
            names in prop::collection::vec(".{0,8}", 1..5),
            key in "[0-9A-Za-zÅ./~]([0-9A-Za-zÅ /.~+-]{0,20}[0-9A-Za-z])?",
            event in prop::sample::select(CATALOGUE),
            shouted: bool,
        ) {
            let pointer = Pointer::to(names.iter().map(String::as_str));
            let pointer = if shouted { Pointer::new(pointer.as_str().to_ascii_uppercase()) } else { pointer };
            let rules = Rules(vec![FieldRule { events: every_event(), key: vec![KeyPlace::One(pointer)], ..FieldRule::default() }]);
            prop_assert_eq!(check(&rules.0), Ok(()));
            let n = read(&of(event.id, &nested(&names, &key)), &rules);
            let can_be_asked_for = !crate::ResourcePath::has_resource(event.entity)
                || crate::ResourcePath::for_entity(event.entity, &key).is_some();
            prop_assert_eq!((n.entity, n.entity_key), (event.entity, Some(key).filter(|_| can_be_asked_for)));
        }

        #[test]
        fn a_rule_that_finds_nothing_changes_nothing(
            key in "[A-Z0-9]{1,8}", status in "[A-Za-z]{1,8}", id: u128, event in prop::sample::select(CATALOGUE),
        ) {
            let id = uuid::Uuid::from_u128(id).to_string();
            let body = json!({"number": key, "status": status, "notificationId": id, "orderType": "SO", "timeStamp": 637_969_430_208_130_000_i64});
            let nowhere = json!(["/no/such/field"]);
            let rules = Rules::of(json!([{
                "event": nowhere, "company": nowhere, "key": nowhere, "status": nowhere, "parameter": nowhere, "id": nowhere, "time": nowhere,
            }]));
            let delivery = of(event.id, &body);
            prop_assert_eq!(read(&delivery, &rules), read(&delivery, &NoDirectory));
        }

        #[test]
        fn any_text_as_a_pointer_neither_panics_nor_reads_what_is_not_there(text in ".{0,20}", body in ".{0,40}") {
            let rules = Rules(vec![FieldRule { events: every_event(), key: vec![KeyPlace::One(Pointer::new(text))], ..FieldRule::default() }]);
            let n = read(&of("ACCOUNT_CHANGED", &json!({"a": {"b": [body, 1]}})), &rules);
            prop_assert!(n.entity == Entity::Account && n.entity_key.is_none_or(|key| key == body.trim() || key == "1"));
        }
    }
}
