//! Adds and removes single tenants, names of events and routes in the settings document.

use super::edit::{checked, parts, valid};
use super::text::{Members, Splices, elements, members, string};
use crate::error::{Exit, Failure};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// # Errors
/// [`Exit::Refused`] if the id is taken, or if the document would become invalid.
pub fn add_tenant(document: &str, tenant: &Value) -> Result<String, Failure> {
    let id = tenant["id"].as_str().unwrap_or_default();
    let current = valid(document)?;
    if current.tenants.iter().any(|own| own.id.eq_ignore_ascii_case(id)) {
        return Err(Failure::new(Exit::Refused, format!("there is a tenant {id} already"), "Nothing was written."));
    }
    add(document, "tenants", tenant, false)
}

/// # Errors
/// [`Exit::NotFound`] without such a tenant.
pub fn remove_tenant(document: &str, id: &str) -> Result<String, Failure> {
    remove(document, "tenants", ("id", id))
}

/// # Errors
/// [`Exit::NotFound`] without such a name.
pub fn remove_alias(document: &str, name: &str) -> Result<String, Failure> {
    valid(document)?;
    let (_, top) = parts(document)?;
    let aliases = top.get("event_aliases").filter(|aliases| members(aliases).is_some_and(|all| all.contains_key(name)));
    let aliases = aliases.ok_or_else(|| missing(&format!("event_aliases has no {name}")))?;
    let mut splices = Splices::new(document);
    splices.remove_member(aliases, name);
    checked(splices.apply())
}

/// The first route whose pattern matches counts, so its place matters.
///
/// # Errors
/// [`Exit::Refused`] if the pattern is taken, or if the document would become invalid.
pub fn add_route(document: &str, route: &Value, is_first: bool) -> Result<String, Failure> {
    let events = route["events"].as_str().unwrap_or_default();
    valid(document)?;
    if element(&parts(document)?.1, "routes", ("events", events)).is_some() {
        let advice = "Remove it first: visma-webhooks settings routes remove.";
        return Err(Failure::new(Exit::Refused, format!("there is a route of {events} already"), advice));
    }
    add(document, "routes", route, is_first)
}

/// # Errors
/// [`Exit::NotFound`] without such a route.
pub fn remove_route(document: &str, events: &str) -> Result<String, Failure> {
    remove(document, "routes", ("events", events))
}

fn add(document: &str, list: &str, new: &Value, is_first: bool) -> Result<String, Failure> {
    let (whole, top) = parts(document)?;
    let mut splices = Splices::new(document);
    match top.get(list) {
        Some(array) if is_first => splices.prepend(array, &new.to_string()),
        Some(array) => splices.append(array, &new.to_string()),
        None => splices.set(whole, list, json!([new]).to_string()),
    }
    checked(splices.apply())
}

fn remove(document: &str, list: &str, named: (&str, &str)) -> Result<String, Failure> {
    valid(document)?;
    let (_, top) = parts(document)?;
    let found = top.get(list).zip(element(&top, list, named));
    let (array, one) = found.ok_or_else(|| missing(&format!("{list} has no {}", named.1)))?;
    let mut splices = Splices::new(document);
    splices.remove(array, one);
    checked(splices.apply())
}

fn element<'a>(top: &Members<'a>, list: &str, (member, value): (&str, &str)) -> Option<&'a RawValue> {
    let all = top.get(list).and_then(|array| elements(array)).unwrap_or_default();
    let text = |one: &RawValue| members(one).and_then(|own| string(own.get(member)?));
    all.into_iter().find(|one| text(one).is_some_and(|text| text.eq_ignore_ascii_case(value)))
}

fn missing(what: &str) -> Failure {
    Failure::new(Exit::NotFound, what, "visma-webhooks settings show has all of it, secrets blacked out.")
}
