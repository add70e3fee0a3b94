//! Reads the parts of a write from the text of its request, and removes single parts for planted
//! bugs.

use crate::check::short;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_store::{Item, Write};

/// The parts of an update. Names and values are placeholders.
pub(crate) struct Clauses<'a> {
    /// The two sides of each assignment.
    pub(crate) set: Vec<(&'a str, &'a str)>,
    pub(crate) remove: Vec<&'a str>,
}

pub(crate) fn clauses(write: &Write) -> Clauses<'_> {
    let update = write.update.as_str();
    let (set, remove) = match update.strip_prefix("REMOVE ") {
        Some(remove) => ("", remove),
        None => update.split_once(" REMOVE ").unwrap_or((update, "")),
    };
    let set = parts(set.trim_start_matches("SET ")).into_iter().filter_map(|part| part.split_once(" = ")).collect();
    Clauses { set, remove: parts(remove) }
}

/// Splits a text at the commas outside of parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The value that an attribute is set to, even if only when it is missing.
pub(crate) fn value_of<'a>(write: &'a Write, name: &str) -> Option<&'a AttributeValue> {
    // Most writes do not name the attribute, and need not be taken apart.
    write.names.values().find(|known| *known == name)?;
    let mut set = clauses(write).set.into_iter();
    let (_, right) = set.find(|(left, _)| stands_for(write, left, name))?;
    let if_absent = right.strip_prefix("if_not_exists(").and_then(|rest| rest.strip_suffix(')'));
    let value = if_absent.and_then(|rest| rest.split_once(", ")).map_or(right, |(_, value)| value);
    write.values.get(value)
}

pub(crate) fn text_of<'a>(write: &'a Write, name: &str) -> Option<&'a str> {
    value_of(write, name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn removes(write: &Write, name: &str) -> bool {
    clauses(write).remove.iter().any(|placeholder| stands_for(write, placeholder, name))
}

fn stands_for(write: &Write, placeholder: &str, name: &str) -> bool {
    write.names.get(placeholder).is_some_and(|known| known == name)
}

/// Sets the attribute to another value.
pub(crate) fn put_value(write: &mut Write, name: &str, value: AttributeValue) {
    let set = clauses(write).set;
    let right = set.into_iter().find(|(left, _)| stands_for(write, left, name)).map(|(_, right)| right.to_owned());
    if let Some(right) = right {
        write.values.insert(right, value);
    }
}

/// Sets the attribute only if it is missing.
pub(crate) fn keep_first(write: &mut Write, name: &str) {
    let pair = clauses(write).set.into_iter().find(|(left, _)| stands_for(write, left, name));
    let Some((left, right)) = pair else { return };
    let (set, kept) = (format!("{left} = {right}"), format!("{left} = if_not_exists({left}, {right})"));
    write.update = write.update.replacen(&set, &kept, 1);
}

/// Removes the assignment of the attribute.
pub(crate) fn leave_unset(write: &mut Write, name: &str) {
    write.update = rebuilt(write, |placeholder| !stands_for(write, placeholder, name), |_| true);
}

/// Removes the removal of the attribute.
pub(crate) fn leave_in_place(write: &mut Write, name: &str) {
    write.update = rebuilt(write, |_| true, |placeholder| !stands_for(write, placeholder, name));
}

fn rebuilt(write: &Write, sets: impl Fn(&str) -> bool, removes: impl Fn(&str) -> bool) -> String {
    let Clauses { set, remove } = clauses(write);
    let set = set.into_iter().filter(|(left, _)| sets(left)).map(|(left, right)| format!("{left} = {right}"));
    let remove = remove.into_iter().filter(|placeholder| removes(placeholder)).map(str::to_owned);
    let clauses = [("SET ", set.collect::<Vec<_>>()), ("REMOVE ", remove.collect())];
    let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
    clauses.map(|(name, parts)| format!("{name}{}", parts.join(", "))).collect::<Vec<_>>().join(" ")
}

/// Adds a state to the list of states at the end of the condition.
pub(crate) fn admit(write: &mut Write, state: &str) {
    let condition = write.condition.take().unwrap_or_default();
    let open = condition.trim_end_matches(')');
    let list = open.rsplit_once(" IN (").filter(|_| open.len() < condition.len());
    assert!(list.is_some_and(|(_, list)| !list.contains('(')), "{condition} does not end with a list of states");
    let placeholder = format!(":planted_{state}");
    write.condition = Some(format!("{open}, {placeholder}{}", &condition[open.len()..]));
    write.values.insert(placeholder, AttributeValue::S(state.to_owned()));
}

/// When intake accepted the notification of a processor's write, by the clock of intake's machine.
pub(crate) fn received_at(write: &Write) -> Option<OffsetDateTime> {
    let (received, _) = text_of(write, "feed_at")?.split_once('#')?;
    OffsetDateTime::parse(received, &Rfc3339).ok()
}

/// The notification whose change a head gets: the written `notification`, not the one in the
/// condition.
pub(crate) fn notification_in(write: &Write) -> Option<String> {
    text_of(write, "notification").map(str::to_owned)
}

pub(crate) fn shown(sort_key: &str) -> String {
    if sort_key.starts_with("N#") { short(sort_key) } else { sort_key.to_owned() }
}

pub(crate) fn described(sort_key: &str, item: &Item) -> String {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("-", String::as_str);
    match sort_key {
        "HEAD" => format!("head {}: status {}", text("pk"), text("status")),
        _ if sort_key.starts_with("N#") => {
            format!("{}: {} ({}), feedback {}", shown(sort_key), text("state"), text("reason"), text("feedback"))
        }
        _ => format!("{sort_key} of {}", text("pk")),
    }
}
