//! Writes what `learn` found into the settings document.

use super::edit::{checked, parts, valid};
use super::text::Splices;
use crate::error::Failure;
use serde_json::{Value, json};
use webhooks_model::mapping::FieldRule;

/// Adds event aliases, each a name and an event of the catalogue, and adds rules for fields behind
/// the existing ones.
///
/// # Errors
/// [`crate::Exit::Refused`] if the document is not valid, or would become invalid.
pub fn learn(document: &str, aliases: &[(String, String)], rules: &[FieldRule]) -> Result<String, Failure> {
    valid(document)?;
    let mut text = document.to_owned();
    for (name, event) in aliases {
        text = alias(&text, name, event)?;
    }
    for rule in rules {
        text = append(&text, rule)?;
    }
    checked(text)
}

fn alias(document: &str, name: &str, event: &str) -> Result<String, Failure> {
    let (whole, top) = parts(document)?;
    let mut splices = Splices::new(document);
    match top.get("event_aliases") {
        Some(aliases) => splices.set(aliases, name, Value::from(event).to_string()),
        None => splices.set(whole, "event_aliases", json!({ name: event }).to_string()),
    }
    Ok(splices.apply())
}

fn append(document: &str, rule: &FieldRule) -> Result<String, Failure> {
    let (whole, top) = parts(document)?;
    let mut splices = Splices::new(document);
    let rule = serde_json::to_string(rule).expect("pointers always serialise");
    match top.get("fields") {
        Some(array) => splices.append(array, &rule),
        None => splices.set(whole, "fields", format!("[{rule}]")),
    }
    Ok(splices.apply())
}
