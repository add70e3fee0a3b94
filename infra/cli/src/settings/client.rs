//! Writes the service client's id and secret into the settings document.

use super::edit::{checked, invalid, parts, valid};
use super::text::Splices;
use crate::error::Failure;
use serde_json::json;

/// Replaces both at once, since each is useless without the other.
///
/// # Errors
/// [`crate::Exit::Refused`] if the document is not valid, or would become invalid.
pub fn set_client(document: &str, id: &str, secret: &str) -> Result<String, Failure> {
    valid(document)?;
    let text = set(document, "client_id", id)?;
    checked(set(&text, "client_secret", secret)?)
}

fn set(document: &str, name: &str, value: &str) -> Result<String, Failure> {
    let (_, top) = parts(document)?;
    let visma = top.get("visma").ok_or_else(|| invalid("it has no `visma`"))?;
    let mut splices = Splices::new(document);
    splices.set(visma, name, json!(value).to_string());
    Ok(splices.apply())
}
