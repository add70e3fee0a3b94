//! Changes single entries of the settings document: the service client, tenants, names of events,
//! places of fields, routes.

use super::edit::{checked, invalid, parts, valid};
use super::text::{Members, Splices, elements, members, string};
use crate::error::{Exit, Failure};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webhooks_model::mapping::FieldRule;
use webhooks_settings::Subscription;

/// Replaces the id and the secret of the service client at once, since each is useless without the
/// other.
///
/// # Errors
/// [`Exit::Refused`] if the document is not valid, or would become invalid.
pub fn set_client(document: &str, id: &str, secret: &str) -> Result<String, Failure> {
    valid(document)?;
    let text = set_in_visma(document, "client_id", id)?;
    checked(set_in_visma(&text, "client_secret", secret)?)
}

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
/// [`Exit::NotFound`] without such a tenant. [`Exit::Refused`] if subscriptions name it and it must
/// not be taken out of them.
pub fn remove_tenant(document: &str, id: &str, from_subscriptions: bool) -> Result<String, Failure> {
    let mut text = remove(document, "tenants", ("id", id))?;
    let settings = valid(&text)?;
    let is_named = |own: &&Subscription| own.tenants.iter().any(|tenant| tenant.eq_ignore_ascii_case(id));
    let naming: Vec<&str> = settings.subscriptions.iter().filter(is_named).map(|own| own.id.as_str()).collect();
    if !naming.is_empty() && !from_subscriptions {
        let advice = "To take it out of them too, add --from-subscriptions; --dry-run shows what changes.";
        let what = format!("subscriptions name the tenant {id}: {}", naming.join(", "));
        return Err(Failure::new(Exit::Refused, what, advice));
    }
    while let Some(less) = without_one_mention(&text, id) {
        text = less;
    }
    checked(text)
}

/// Removes a tenant from the first list of a subscription that names it. The list stays even if it
/// is empty: a subscription without a list serves every tenant.
fn without_one_mention(document: &str, id: &str) -> Option<String> {
    let (_, top) = parts(document).ok()?;
    let subscriptions = top.get("subscriptions").and_then(|array| elements(array)).unwrap_or_default();
    let mut lists = subscriptions.into_iter().filter_map(|own| members(own)?.get("tenants").copied());
    let is_it = |one: &&RawValue| string(one).is_some_and(|text| text.eq_ignore_ascii_case(id));
    let (list, one) = lists.find_map(|list| Some((list, elements(list)?.into_iter().find(is_it)?)))?;
    let mut splices = Splices::new(document);
    splices.remove(list, one);
    Some(splices.apply())
}

/// What to know about the subscriptions that serve fewer tenants than before.
///
/// # Errors
/// A document is not valid.
pub fn serving_less(before: &str, after: &str) -> Result<Vec<String>, Failure> {
    let (before, after) = (valid(before)?, valid(after)?);
    let pairs = after.subscriptions.iter().filter_map(|own| Some((before.subscription(&own.id)?, own)));
    let changed = pairs.filter(|(before, own)| own.tenants.len() < before.tenants.len());
    let told = changed.filter_map(|(_, own)| match (own.tenants.is_empty(), own.sole_tenant()) {
        (true, _) => Some(format!("{} serves no tenant any more, so nothing that it delivers is processed", own.id)),
        (_, Some(only)) => Some(format!(
            "{} serves only {only} now: what the removed tenant still sends to it counts as {only}'s",
            own.id
        )),
        _ => None,
    });
    Ok(told.collect())
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

/// Adds event aliases, each a name and an event of the catalogue, and adds rules for fields behind
/// the existing ones.
///
/// # Errors
/// [`Exit::Refused`] if the document is not valid, or would become invalid.
pub fn learn(document: &str, aliases: &[(String, String)], rules: &[FieldRule]) -> Result<String, Failure> {
    valid(document)?;
    let mut text = document.to_owned();
    for (name, event) in aliases {
        text = add_alias(&text, name, event)?;
    }
    for rule in rules {
        text = add_fields(&text, rule)?;
    }
    checked(text)
}

fn set_in_visma(document: &str, name: &str, value: &str) -> Result<String, Failure> {
    let (_, top) = parts(document)?;
    let visma = top.get("visma").ok_or_else(|| invalid("it has no `visma`"))?;
    let mut splices = Splices::new(document);
    splices.set(visma, name, json!(value).to_string());
    Ok(splices.apply())
}

fn add_alias(document: &str, name: &str, event: &str) -> Result<String, Failure> {
    let (whole, top) = parts(document)?;
    let mut splices = Splices::new(document);
    match top.get("event_aliases") {
        Some(aliases) => splices.set(aliases, name, Value::from(event).to_string()),
        None => splices.set(whole, "event_aliases", json!({ name: event }).to_string()),
    }
    Ok(splices.apply())
}

fn add_fields(document: &str, rule: &FieldRule) -> Result<String, Failure> {
    let (whole, _) = parts(document)?;
    let mut splices = Splices::new(document);
    let rule = serde_json::to_string(rule).expect("pointers always serialise");
    splices.append(whole, "fields", &rule);
    Ok(splices.apply())
}

fn add(document: &str, list: &str, new: &Value, is_first: bool) -> Result<String, Failure> {
    let (whole, top) = parts(document)?;
    let mut splices = Splices::new(document);
    match top.get(list) {
        Some(array) if is_first => splices.prepend(array, &new.to_string()),
        _ => splices.append(whole, list, &new.to_string()),
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
