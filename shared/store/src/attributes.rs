//! Helpers for the names, expressions and values of DynamoDB requests.

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::State;

/// Attributes by name, as DynamoDB holds them.
pub type Item = HashMap<String, AttributeValue>;

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// RFC 3339 in UTC with a fixed number of digits, so that the order of texts is the order of times.
pub(crate) fn time_text(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let millis = at.replace_nanosecond(at.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(at);
    let text = millis.format(&Rfc3339).expect("a UTC time of this era always formats");
    if text.len() == 20 { text.replace('Z', ".000Z") } else { format!("{:0<23}Z", text.trim_end_matches('Z')) }
}

/// Midnight of the day of a time or of a place in the feed.
pub(crate) fn day_of(position: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&format!("{}T00:00:00Z", position.get(..10)?), &Rfc3339).ok()
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn integer(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Whether the item has expired. DynamoDB may take a few days to delete it.
pub(crate) fn has_expired(item: &Item, now: OffsetDateTime) -> bool {
    integer(item, "expires_at").is_some_and(|at| at <= now.unix_timestamp())
}

pub(crate) fn flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or(false)
}

/// An update expression under construction. Every attribute has a placeholder, so that no name
/// clashes with a reserved word.
#[derive(Debug)]
pub(crate) struct Update {
    set: Vec<String>,
    remove: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    /// The entries that it adds to lists, by the name of the list.
    added: Vec<(String, AttributeValue)>,
}

/// The capacity for the usual write of a record, so that no vector grows.
const USUAL_ATTRIBUTES: usize = 28;

impl Default for Update {
    fn default() -> Self {
        Self {
            set: Vec::with_capacity(USUAL_ATTRIBUTES),
            remove: Vec::new(),
            names: HashMap::with_capacity(USUAL_ATTRIBUTES),
            values: HashMap::with_capacity(USUAL_ATTRIBUTES),
            added: Vec::new(),
        }
    }
}

impl Update {
    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        let (n, v) = (self.name(name), self.value(value));
        self.set.push(format!("{n} = {v}"));
        self
    }

    pub(crate) fn set_some(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    pub(crate) fn set_if_absent(mut self, name: &str, value: AttributeValue) -> Self {
        let (n, v) = (self.name(name), self.value(value));
        self.set.push(format!("{n} = if_not_exists({n}, {v})"));
        self
    }

    /// Sets an attribute to the value that another one has.
    pub(crate) fn copy(mut self, from: &str, to: &str) -> Self {
        let (from, to) = (self.name(from), self.name(to));
        self.set.push(format!("{to} = {from}"));
        self
    }

    /// Adds to a number. A missing number counts as 0.
    pub(crate) fn add(mut self, name: &str, more: AttributeValue) -> Self {
        let n = self.name(name);
        let (none, more) = (self.value(number(0)), self.value(more));
        self.set.push(format!("{n} = if_not_exists({n}, {none}) + {more}"));
        self
    }

    /// Adds an entry to a list of a record, which `table.rs` then shortens if need be.
    pub(crate) fn append(mut self, name: &str, element: AttributeValue) -> Self {
        self.added.push((name.to_owned(), element.clone()));
        let n = self.name(name);
        let (none, one) = (self.value(AttributeValue::L(vec![])), self.value(AttributeValue::L(vec![element])));
        self.set.push(format!("{n} = list_append(if_not_exists({n}, {none}), {one})"));
        self
    }

    pub(crate) fn take_added(&mut self) -> Vec<(String, AttributeValue)> {
        std::mem::take(&mut self.added)
    }

    pub(crate) fn remove(mut self, name: &str) -> Self {
        let n = self.name(name);
        self.remove.push(n);
        self
    }

    /// A placeholder for an attribute's name, for use in a condition.
    pub(crate) fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    /// A placeholder for a value, for use in a condition.
    pub(crate) fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub(crate) fn expression(&self) -> String {
        let clauses = [("SET ", &self.set), ("REMOVE ", &self.remove)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        clauses.map(|(name, parts)| format!("{name}{}", parts.join(", "))).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn into_maps(self) -> (HashMap<String, String>, HashMap<String, AttributeValue>) {
        (self.names, self.values)
    }
}

/// The condition that an attribute has one of these values.
pub(crate) fn is_one_of(update: &mut Update, name: &str, values: &[&str]) -> String {
    let name = update.name(name);
    let values: Vec<String> = values.iter().map(|value| update.value(string(*value))).collect();
    format!("{name} IN ({})", values.join(", "))
}

/// The condition that a record has one of these states.
pub(crate) fn in_state(update: &mut Update, is_one: impl Fn(State) -> bool) -> String {
    let states: Vec<&str> = State::ALL.into_iter().filter(|state| is_one(*state)).map(State::as_str).collect();
    is_one_of(update, "state", &states)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_sort_as_text() {
        assert_eq!(time_text(datetime!(2026-11-23 12:00 UTC)), "2026-11-23T12:00:00.000Z");
        assert_eq!(time_text(datetime!(2026-11-23 12:00:00.1204 UTC)), "2026-11-23T12:00:00.120Z");
        assert_eq!(time_text(datetime!(2026-11-23 14:00:00.5 +2)), "2026-11-23T12:00:00.500Z");
    }
}
