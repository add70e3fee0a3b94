//! The settings that say where a payload has its fields, for bodies with unknown names
//! (docs/visma-net.md#open-questions, questions 1 and 12).

use crate::catalogue::{CATALOGUE, EventType};
use crate::fields::Fields;
use crate::pattern;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The `events` of a rule that says where the event's name is.
const ANY: &str = "*";

/// Where the payloads of some events have their fields. Each list is tried in order, and the first
/// place with a text or a number counts. If no place has one, the built-in names are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
    /// When it happened: ticks, milliseconds, seconds, or a text in round-trip form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time: Vec<Pointer>,
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

    pub(crate) fn said(&self, places: fn(&FieldRule) -> &[Pointer]) -> Option<String> {
        self.rules.iter().flat_map(|rule| places(rule)).find_map(|pointer| pointer.text(self.fields))
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
