//! Edits of the settings document. Pure functions from text to text; the result is always valid.

use super::text::{Members, Splices, elements, members, string};
use crate::error::{Exit, Failure};
use crate::output::escaped;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::Channel;
use webhooks_settings::{Settings, Subscription};

const SECRETS: [&str; 3] = ["value", "client_secret", "path_token"];
/// What Secrets Manager takes as one secret, in bytes.
const LONGEST: usize = 65_536;

/// A new subscription, with its values from the Developer Portal.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    pub id: String,
    pub route: String,
    pub channel: Channel,
    pub event: Option<String>,
    /// `*` for every tenant.
    pub tenants: Vec<String>,
    pub secret: NewSecret,
}

#[derive(Clone)]
pub struct NewSecret {
    pub id: String,
    pub value: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewSecret({})", self.id)
    }
}

/// # Errors
/// [`Exit::Refused`] if the id is taken, or if the document would become invalid.
pub fn add(document: &str, new: &NewSubscription) -> Result<String, Failure> {
    let mut subscription = json!({ "id": new.id, "route": new.route, "channel": new.channel, "tenants": new.tenants });
    if let Some(event) = &new.event {
        subscription["event"] = json!(event);
    }
    match new.channel {
        Channel::Dispatcher => subscription["secrets"] = json!([{ "id": new.secret.id, "value": new.secret.value }]),
        Channel::Legacy => subscription["path_token"] = json!(new.secret.value),
    }
    let current = valid(document)?;
    if current.subscription(&new.id).is_some() {
        let advice = "Choose another --id, or give this one a new secret: visma-webhooks subscriptions rotate.";
        return Err(Failure::new(Exit::Refused, format!("there is a subscription {} already", new.id), advice));
    }
    let (whole, _) = parts(document)?;
    let mut splices = Splices::new(document);
    splices.append(whole, "subscriptions", &subscription.to_string());
    checked(splices.apply())
}

/// Adds a live secret. The others expire at `old_until` or earlier.
///
/// # Errors
/// [`Exit::NotFound`] without such a subscription, [`Exit::Refused`] for one of the legacy channel.
pub fn rotate(document: &str, id: &str, secret: &NewSecret, old_until: OffsetDateTime) -> Result<String, Failure> {
    let current = valid(document)?;
    if current.subscription(id).is_some_and(|subscription| subscription.channel == Channel::Legacy) {
        let advice = "Add another legacy subscription, change the address at Visma Net, then disable this one.";
        return Err(Failure::new(
            Exit::Refused,
            format!("{id} has one path token and cannot have two at once"),
            advice,
        ));
    }
    let (_, top) = parts(document)?;
    let subscription = find(&top, id)?;
    let secrets = members(subscription).and_then(|members| members.get("secrets").copied());
    let mut splices = Splices::new(document);
    let new = json!({ "id": secret.id, "value": secret.value }).to_string();
    if let Some(array) = secrets {
        expire(&mut splices, array, old_until);
    }
    splices.append(subscription, "secrets", &new);
    checked(splices.apply())
}

/// Disables a subscription from now on. One of the legacy channel gets `dead_token`, which is never
/// shown.
///
/// # Errors
/// [`Exit::NotFound`] without such a subscription.
pub fn disable(document: &str, id: &str, now: OffsetDateTime, dead_token: &str) -> Result<String, Failure> {
    valid(document)?;
    let (_, top) = parts(document)?;
    let subscription = find(&top, id)?;
    let own = members(subscription).unwrap_or_default();
    let mut splices = Splices::new(document);
    if let Some(secrets) = own.get("secrets") {
        expire(&mut splices, secrets, now);
    }
    if let Some(token) = own.get("path_token").filter(|token| string(token).is_some()) {
        splices.replace(token, json!(dead_token).to_string());
    }
    checked(splices.apply())
}

/// Enables a disabled subscription: its last secret no longer ends.
///
/// # Errors
/// [`Exit::NotFound`] without such a subscription, [`Exit::Refused`] if there is no secret to
/// restore.
pub fn enable(document: &str, id: &str, now: OffsetDateTime) -> Result<String, Failure> {
    let current = valid(document)?;
    let own = current.subscription(id).ok_or_else(|| unknown(id))?;
    if own.channel == Channel::Legacy {
        let advice = "Its path token is gone for good once it is disabled. Add another subscription.";
        return Err(Failure::new(Exit::Refused, format!("{id} has a path token and no secret"), advice));
    }
    if is_enabled(own, now) {
        let advice = "Nothing was changed. For a new secret: visma-webhooks subscriptions rotate.";
        return Err(Failure::new(Exit::Refused, format!("{id} is not disabled"), advice));
    }
    let (_, top) = parts(document)?;
    let subscription = find(&top, id)?;
    let secrets = members(subscription).and_then(|own| own.get("secrets").copied()).and_then(elements);
    let Some(last) = secrets.unwrap_or_default().into_iter().next_back() else {
        let advice = format!("Give it one: visma-webhooks subscriptions rotate {id} --enable.");
        return Err(Failure::new(Exit::Refused, format!("{id} never had a secret"), advice));
    };
    let mut splices = Splices::new(document);
    splices.set(last, "expires_at", "null".to_owned());
    checked(splices.apply())
}

/// Removes a subscription from the document.
///
/// # Errors
/// [`Exit::NotFound`] without such a subscription, [`Exit::Refused`] if its secrets can still
/// deliver.
pub fn remove(document: &str, id: &str, now: OffsetDateTime) -> Result<String, Failure> {
    let current = valid(document)?;
    let own = current.subscription(id).ok_or_else(|| unknown(id))?;
    if own.channel == Channel::Dispatcher && is_enabled(own, now) {
        let advice = format!("If you mean it, first: visma-webhooks subscriptions disable {id}.");
        return Err(Failure::new(Exit::Refused, format!("{id} has a live secret and may still deliver"), advice));
    }
    let (_, top) = parts(document)?;
    let mut splices = Splices::new(document);
    let subscription = find(&top, id)?;
    let list = top.get("subscriptions").ok_or_else(|| unknown(id))?;
    splices.remove(list, subscription);
    checked(splices.apply())
}

/// Whether it can deliver now.
pub fn is_enabled(own: &Subscription, now: OffsetDateTime) -> bool {
    own.path_token.is_some() || own.secrets.iter().any(|secret| secret.expires_at.is_none_or(|end| now < end))
}

/// # Errors
/// [`Exit::Refused`] for a disabled one, since a new secret would enable it.
pub fn must_be_enabled(document: &str, id: &str, now: OffsetDateTime) -> Result<(), Failure> {
    let current = valid(document)?;
    let is_disabled = current.subscription(id).is_some_and(|own| !is_enabled(own, now));
    if !is_disabled {
        return Ok(());
    }
    let advice = format!(
        "A new secret would let it deliver again. If you mean it: visma-webhooks subscriptions rotate {id} --enable."
    );
    Err(Failure::new(Exit::Refused, format!("{id} is disabled"), advice))
}

/// An unused name for a secret that is made now: the date, and a number if needed.
///
/// # Errors
/// The document is not valid.
pub fn unused_secret_id(document: &str, subscription: &str, now: OffsetDateTime) -> Result<String, Failure> {
    let settings = valid(document)?;
    let secrets = settings.subscription(subscription).map(|own| own.secrets.as_slice()).unwrap_or_default();
    let day = now.date().to_string();
    let names = std::iter::once(day.clone()).chain((2..).map(|number| format!("{day}-{number}")));
    let mut unused = names.filter(|name| secrets.iter().all(|secret| secret.id != *name));
    Ok(unused.next().expect("there are more numbers than secrets"))
}

/// The lines that differ, without any secret.
pub fn redacted_diff(old: &str, new: &str) -> String {
    let (old, new) = (redacted(old), redacted(new));
    let diff = TextDiff::from_lines(&old, &new);
    let mut shown = String::new();
    for (at, group) in diff.grouped_ops(3).iter().enumerate() {
        if at > 0 {
            shown.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            shown.push_str(&format!("{sign} {change}"));
        }
    }
    shown
}

/// The whole document, without any secret.
pub fn redacted(document: &str) -> String {
    fn blacken(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if SECRETS.contains(&name.as_str()) && !value.is_null() {
                        *value = json!("[secret]");
                    }
                    blacken(value);
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(blacken),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(document).unwrap_or_default();
    blacken(&mut value);
    escaped(&format!("{value:#}\n"))
}

fn expire(splices: &mut Splices<'_>, secrets: &RawValue, at: OffsetDateTime) {
    let text = at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).expect("a UTC time of this era always formats");
    for secret in elements(secrets).unwrap_or_default() {
        let until = members(secret).and_then(|members| string(members.get("expires_at")?));
        let until = until.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        if until.is_none_or(|until| until > at) {
            splices.set(secret, "expires_at", format!("\"{text}\""));
        }
    }
}

pub(super) fn parts(document: &str) -> Result<(&RawValue, Members<'_>), Failure> {
    let whole: Option<&RawValue> = serde_json::from_str(document).ok();
    whole.and_then(|whole| Some((whole, members(whole)?))).ok_or_else(|| invalid("it is not a JSON object"))
}

fn find<'a>(top: &Members<'a>, id: &str) -> Result<&'a RawValue, Failure> {
    let subscriptions = top.get("subscriptions").and_then(|array| elements(array)).unwrap_or_default();
    let is_it = |one: &&RawValue| members(one).and_then(|own| string(own.get("id")?)).as_deref() == Some(id);
    subscriptions.into_iter().find(is_it).ok_or_else(|| unknown(id))
}

pub fn unknown(id: &str) -> Failure {
    let advice = "visma-webhooks subscriptions list shows which there are.";
    Failure::new(Exit::NotFound, format!("there is no subscription {id}"), advice)
}

pub fn valid(document: &str) -> Result<Settings, Failure> {
    Settings::parse(document).map_err(|error| invalid(&error.to_string()))
}

pub(super) fn invalid(why: &str) -> Failure {
    let advice = "Correct it as shared/settings/README.md describes and write it with the AWS command line.";
    Failure::new(Exit::Refused, format!("the settings document is not valid: {why}"), advice)
}

pub(super) fn checked(document: String) -> Result<String, Failure> {
    if document.len() > LONGEST {
        return Err(Failure::new(
            Exit::Refused,
            format!("the settings document would have {} bytes; Secrets Manager takes {LONGEST}", document.len()),
            "Nothing was written. infra/LIMITS.md says how to make room.",
        ));
    }
    match Settings::parse(&document) {
        Ok(_) => Ok(document),
        Err(error) => Err(Failure::new(
            Exit::Refused,
            format!("the settings document would not be valid: {error}"),
            "Nothing was written. Change what the message names.",
        )),
    }
}
