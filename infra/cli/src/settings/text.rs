//! Changes single places of a JSON text, and keeps every other byte.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use std::ops::Range;

/// An object's members in order, each with its exact text.
pub(crate) type Members<'a> = IndexMap<String, &'a RawValue>;

pub(crate) fn members(object: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(object.get()).ok()
}

pub(crate) fn elements(array: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(array.get()).ok()
}

/// The text of a string; `None` for other values.
pub(crate) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// Replacements in a text, by positions in the original.
#[derive(Debug)]
pub(crate) struct Splices<'a> {
    original: &'a str,
    splices: Vec<(Range<usize>, String)>,
}

impl<'a> Splices<'a> {
    pub(crate) fn new(original: &'a str) -> Self {
        Self { original, splices: vec![] }
    }

    /// `part` must be a part of the original.
    fn place(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr() as usize - self.original.as_ptr() as usize;
        debug_assert_eq!(&self.original[start..start + part.len()], part);
        start..start + part.len()
    }

    pub(crate) fn replace(&mut self, value: &RawValue, text: String) {
        self.splices.push((self.place(value.get()), text));
    }

    /// Adds an element to the array `name` of an object: after the last one, with the same spacing.
    /// Without the array, it adds one.
    pub(crate) fn append(&mut self, object: &RawValue, name: &str, text: &str) {
        let members = members(object).unwrap_or_default();
        let Some(array) = members.get(name) else { return self.set(object, name, format!("[{text}]")) };
        let place = self.place(array.get());
        match elements(array).unwrap_or_default().last() {
            Some(last) => {
                let last = self.place(last.get());
                let space = space_before(&self.original[place.start..last.start]);
                self.splices.push((last.end..last.end, format!(",{space}{text}")));
            }
            None => self.splices.push((place, format!("[{text}]"))),
        }
    }

    /// Removes an element from its array, with its comma and space.
    pub(crate) fn remove(&mut self, array: &RawValue, element: &RawValue) {
        let places: Vec<Range<usize>> =
            elements(array).unwrap_or_default().into_iter().map(|one| self.place(one.get())).collect();
        let own = self.place(element.get());
        let Some(at) = places.iter().position(|place| *place == own) else { return };
        let place = match (at.checked_sub(1).and_then(|before| places.get(before)), places.get(at + 1)) {
            (Some(before), _) => before.end..own.end,
            (None, Some(next)) => own.start..next.start,
            (None, None) => return self.splices.push((self.place(array.get()), "[]".to_owned())),
        };
        self.splices.push((place, String::new()));
    }

    /// Adds an element before the first one, with the same spacing.
    pub(crate) fn prepend(&mut self, array: &RawValue, text: &str) {
        let place = self.place(array.get());
        match elements(array).unwrap_or_default().first() {
            Some(first) => {
                let first = self.place(first.get());
                let space = space_before(&self.original[place.start..first.start]);
                self.splices.push((first.start..first.start, format!("{text},{space}")));
            }
            None => self.splices.push((place, format!("[{text}]"))),
        }
    }

    /// Removes a member from its object, with its comma and space.
    pub(crate) fn remove_member(&mut self, object: &RawValue, name: &str) {
        let whole = self.place(object.get());
        let members = members(object).unwrap_or_default();
        let Some((at, _, value)) = members.get_full(name) else { return };
        let own = self.place(value.get());
        let before = at.checked_sub(1).and_then(|before| members.get_index(before));
        let place = match (before, members.get_index(at + 1)) {
            (Some((_, before)), _) => self.place(before.get()).end..own.end,
            // There is only white space between a value and its comma.
            (None, Some(_)) => {
                let comma = self.original[own.end..].find(',').map_or(own.end, |comma| own.end + comma + 1);
                whole.start + 1..comma
            }
            (None, None) => return self.splices.push((whole, "{}".to_owned())),
        };
        self.splices.push((place, String::new()));
    }

    /// Sets a member of a non-empty object: replaces its value, or adds it after the last one.
    pub(crate) fn set(&mut self, object: &RawValue, name: &str, text: String) {
        let members = members(object).unwrap_or_default();
        if let Some(value) = members.get(name) {
            return self.replace(value, text);
        }
        let Some(last) = members.values().last() else {
            return self.replace(object, format!("{{{}: {text}}}", quoted(name)));
        };
        let inside = &object.get()[1..];
        let space = &inside[..inside.len() - inside.trim_start().len()];
        let space = if space.is_empty() { " " } else { space };
        let end = self.place(last.get()).end;
        self.splices.push((end..end, format!(",{space}{}: {text}", quoted(name))));
    }

    pub(crate) fn apply(mut self) -> String {
        self.splices.sort_by_key(|(place, _)| place.start);
        let mut text = self.original.to_owned();
        for (place, new) in self.splices.into_iter().rev() {
            text.replace_range(place, &new);
        }
        text
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// The white space at the end of a text, or one blank.
fn space_before(text: &str) -> &str {
    let space = &text[text.trim_end().len()..];
    if space.is_empty() { " " } else { space }
}
