//! `subscriptions`: manages who may deliver, and with which secrets.

use super::operations::{self, Access, Caller, Uses};
use crate::candidates;
use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report, table};
use crate::settings::edit::{self, NewSecret, NewSubscription};
use crate::settings::{Documents, SecretsManager, Version};
use crate::stack::Stack;
use crate::text::{duration, random_secret, secret_from_stdin, when};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use webhooks_host::{Host, SystemHost};
use webhooks_model::{Channel, catalogue};
use webhooks_settings::{SigningSecret, Subscription};

/// No command shows a secret again, but the settings document has it.
const READ_BACK: &str = "The new secret is in the settings document. Read it there: aws secretsmanager \
                         get-secret-value --secret-id ARN --query SecretString --output text, with the stack's output \
                         SettingsSecretArn as ARN.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the subscriptions with the names, ends and last uses of their secrets, but no secret
    #[command(after_help = "Examples:
  visma-webhooks subscriptions list
  visma-webhooks --local subscriptions list")]
    List(List),
    /// Add a subscription. Its secret comes from the Developer Portal, or is made and shown once
    #[command(after_help = "Examples:
  visma-webhooks subscriptions add --id accounts --event ACCOUNT_CHANGED --secret-stdin < secret.txt
  visma-webhooks subscriptions add --id older --route legacy --channel legacy
  visma-webhooks subscriptions add --id accounts --dry-run
  visma-webhooks --local subscriptions add --id accounts --event ACCOUNT_CHANGED --dry-run")]
    Add(Add),
    /// Give a subscription a new secret; the old ones stay live for a while
    #[command(after_help = "Examples:
  visma-webhooks subscriptions rotate accounts
  visma-webhooks subscriptions rotate accounts --overlap 7d --secret-stdin < secret.txt
  visma-webhooks --local subscriptions rotate local-erp --dry-run")]
    Rotate(Rotate),
    /// Refuse all deliveries of this subscription from now on
    #[command(after_help = "Examples:
  visma-webhooks subscriptions disable accounts
  visma-webhooks --local subscriptions disable local-erp --dry-run")]
    Disable(One),
    /// Let a disabled subscription deliver again, with its last secret
    ///
    /// If that secret has leaked, set a new one instead: rotate --enable.
    #[command(after_help = "Examples:
  visma-webhooks subscriptions enable accounts
  visma-webhooks subscriptions enable accounts --dry-run
  visma-webhooks --local subscriptions disable local-erp
  visma-webhooks --local subscriptions enable local-erp")]
    Enable(One),
    /// Remove a subscription from the settings; disable a signed one first
    #[command(after_help = "Examples:
  visma-webhooks subscriptions remove accounts --dry-run
  visma-webhooks subscriptions remove accounts
  visma-webhooks --local subscriptions remove local-legacy --dry-run")]
    Remove(One),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The subscription's id, from the Developer Portal
    #[arg(long)]
    id: String,
    /// The last part of its address, /hooks/visma/ROUTE
    #[arg(long, default_value = "erp")]
    route: String,
    /// How Visma Net delivers
    #[arg(long, value_enum, default_value_t = ChannelName::Dispatcher)]
    channel: ChannelName,
    /// Its event, such as ACCOUNT_CHANGED
    #[arg(long, add = candidates::event())]
    event: Option<String>,
    /// A tenant that it serves; may be repeated. Every tenant by default
    #[arg(long = "tenant", default_value = "*", add = candidates::tenant_id())]
    tenants: Vec<String>,
    #[command(flatten)]
    secret: SecretOptions,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub struct Rotate {
    /// The subscription's id
    #[arg(add = candidates::subscription())]
    id: String,
    /// How long the old secrets stay live: 90s, 30m, 24h, 7d
    #[arg(long, default_value = "24h", value_parser = duration)]
    overlap: Duration,
    /// Also enable a disabled subscription, with only the new secret
    #[arg(long)]
    enable: bool,
    #[command(flatten)]
    secret: SecretOptions,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct One {
    /// The subscription's id
    #[arg(add = candidates::subscription())]
    id: String,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
struct SecretOptions {
    /// Read the secret of the Developer Portal from standard input
    #[arg(long)]
    secret_stdin: bool,
    /// The secret's name in the document; the date by default
    #[arg(long, value_name = "NAME")]
    secret_id: Option<String>,
}

#[derive(Debug, Default, Args)]
pub(super) struct Writing {
    /// Show the change without writing it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChannelName {
    /// Signed deliveries of the Developer Portal
    Dispatcher,
    /// The older ERP API webhooks, with an unguessable path
    Legacy,
}

/// `caller` is needed only if the operations API has to be asked.
///
/// # Errors
/// The document cannot be read, is not valid, or was changed meanwhile.
pub async fn run(stack: &Stack, command: Command, caller: impl AsyncFnOnce() -> Result<Caller, Failure>) -> Outcome {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    let documents = SecretsManager::new(client, stack.output("SettingsSecretArn").await?);
    let api = match &command {
        // The subscription is added even if the address is unknown.
        Command::Add(_) => stack.output("ApiUrl").await.ok(),
        _ => None,
    };
    let access = match &command {
        Command::List(List { access }) | Command::Rotate(Rotate { access, .. }) => access.clone(),
        _ => Access::default(),
    };
    let uses = async || operations::uses(stack, caller().await, &access).await;
    carry_out(&documents, &SystemHost, command, api.as_deref(), uses).await
}

/// `api` is the address of the API, if known. `uses` is asked only if there are old secrets.
///
/// # Errors
/// As [`run`].
pub async fn carry_out(
    documents: &impl Documents,
    host: &impl Host,
    command: Command,
    api: Option<&str>,
    uses: impl AsyncFnOnce() -> Uses,
) -> Outcome {
    let read = documents.read().await?;
    let now = host.now();
    match command {
        Command::List(_) => list(&read.text, now, uses).await,
        Command::Add(new) => add(documents, &read, new, api, now).await,
        Command::Rotate(options) => rotate(documents, &read, options, now, uses).await,
        Command::Disable(one) => {
            let text = edit::disable(&read.text, &one.id, now, &random_secret())?;
            let done = format!("{} accepts no deliveries any more (functions notice within 5 minutes).", one.id);
            finish(documents, &read, &text, &one.writing, (done, None)).await
        }
        Command::Enable(one) => {
            let text = edit::enable(&read.text, &one.id, now)?;
            let done = format!("{} delivers again (functions notice within 5 minutes).", one.id);
            finish(documents, &read, &text, &one.writing, (done, None)).await
        }
        Command::Remove(one) => {
            let text = edit::remove(&read.text, &one.id, now)?;
            let done = format!("{} is no longer in the settings.", one.id);
            finish(documents, &read, &text, &one.writing, (done, None)).await
        }
    }
}

async fn add(documents: &impl Documents, read: &Version, add: Add, api: Option<&str>, now: OffsetDateTime) -> Outcome {
    let secret = add.secret.secret(&read.text, &add.id, now)?;
    let channel = add.channel.into();
    check_event(add.event.as_deref())?;
    let Add { id, route, event, tenants, writing, .. } = add;
    let new = NewSubscription { id, route, channel, event, tenants, secret: secret.new };
    let text = edit::add(&read.text, &new)?;
    let path = match (channel, &secret.shown) {
        (Channel::Dispatcher, _) => format!("/hooks/visma/{}", new.route),
        (Channel::Legacy, Some(token)) => format!("/hooks/visma/legacy/{token}"),
        (Channel::Legacy, None) => "/hooks/visma/legacy/, with the path token behind it".to_owned(),
    };
    let address = match api {
        Some(api) => format!("{}{path}", api.trim_end_matches('/')),
        None => format!("the stack's output ApiUrl, followed by {path}"),
    };
    let done = format!("Added {}. Its address is {address}", new.id);
    finish(documents, read, &text, &writing, (done, secret.shown)).await
}

async fn rotate(
    documents: &impl Documents,
    read: &Version,
    options: Rotate,
    now: OffsetDateTime,
    uses: impl AsyncFnOnce() -> Uses,
) -> Outcome {
    let Rotate { id, overlap, enable, secret, writing, .. } = options;
    let secret = secret.secret(&read.text, &id, now)?;
    let until = now + overlap;
    if !enable {
        edit::must_be_enabled(&read.text, &id, now)?;
    }
    let text = edit::rotate(&read.text, &id, &secret.new, until)?;
    let warnings = still_used(&read.text, &id, now, uses).await?;
    let done = format!(
        "{id} has a new secret; its old ones end at {}.\n\
         Whether they are still used: visma-webhooks subscriptions list.",
        when(until)
    );
    let report = finish(documents, read, &text, &writing, (done, secret.shown)).await?;
    Ok(report.with_warnings(&warnings))
}

/// Old secrets of an earlier rotation that were used lately.
async fn still_used(
    document: &str,
    id: &str,
    now: OffsetDateTime,
    uses: impl AsyncFnOnce() -> Uses,
) -> Result<Vec<String>, Failure> {
    let settings = edit::valid(document)?;
    let older: Vec<&SigningSecret> =
        settings.subscription(id).into_iter().flat_map(|own| own.older_secrets(now)).collect();
    if older.is_empty() {
        return Ok(vec![]);
    }
    let uses = uses().await;
    let used = older.into_iter().filter_map(|secret| Some((secret, uses.lately(id, &secret.id, now)?)));
    Ok(used.map(|(secret, at)| format!("the old secret {} was used at {}", secret.id, when(at))).collect())
}

/// Writes the document, or only shows the difference. A new secret is shown only after it has been
/// written.
pub(super) async fn finish(
    documents: &impl Documents,
    read: &Version,
    text: &str,
    writing: &Writing,
    (done, secret): (String, Option<String>),
) -> Outcome {
    let diff = edit::redacted_diff(&read.text, text);
    if writing.dry_run {
        return Ok(Report::new(json!({ "written": false, "diff": diff }), format!("{diff}Nothing was written.")));
    }
    documents.replace(read, text).await?;
    let shown = secret.as_ref().map(|secret| format!("\nThe secret, which is not shown again:\n{secret}"));
    let json = json!({ "written": true, "diff": diff, "secret": secret });
    let report = Report::new(json, format!("{done}{}", shown.unwrap_or_default()));
    Ok(if secret.is_some() { report.must_be_seen(READ_BACK) } else { report })
}

struct Made {
    new: NewSecret,
    /// Set if the secret was made here, so that the user has to see it.
    shown: Option<String>,
}

impl SecretOptions {
    fn secret(&self, document: &str, subscription: &str, now: OffsetDateTime) -> Result<Made, Failure> {
        let id = match &self.secret_id {
            Some(id) => id.clone(),
            None => edit::unused_secret_id(document, subscription, now)?,
        };
        let value = if self.secret_stdin { secret_from_stdin()? } else { random_secret() };
        let shown = (!self.secret_stdin).then(|| value.clone());
        Ok(Made { new: NewSecret { id, value }, shown })
    }
}

async fn list(document: &str, now: OffsetDateTime, uses: impl AsyncFnOnce() -> Uses) -> Outcome {
    let settings = edit::valid(document)?;
    let is_rotated = settings.subscriptions.iter().any(|own| own.older_secrets(now).next().is_some());
    let uses = if is_rotated { Some(uses().await) } else { None };
    let rows = settings.subscriptions.iter().map(|own| {
        let event = own.event.clone().unwrap_or_else(|| "any".to_owned());
        let secrets: Vec<String> = own.secrets.iter().map(|secret| noted(own, secret, uses.as_ref(), now)).collect();
        let secrets = match own.path_token {
            Some(_) => "path token".to_owned(),
            None if !edit::is_enabled(own, now) => format!("disabled: {}", secrets.join(", ")),
            None => secrets.join(", "),
        };
        let tenants = own.tenants.join(", ").replace('*', "all");
        [own.id.clone(), own.route.clone(), own.channel.as_str().to_owned(), event, tenants, secrets]
    });
    let mut text = table(["id", "route", "channel", "event", "tenants", "secrets"], rows);
    if let Some(Uses::Unknown(why)) = &uses {
        text.push_str(&format!("\n\nWhen old secrets were last used is not known: {why}."));
    }
    let json: Vec<Value> = settings.subscriptions.iter().map(|own| in_json(own, uses.as_ref(), now)).collect();
    Ok(Report::new(json, text))
}

/// Only old secrets have `last_used`. It is null for an unused one.
fn in_json(own: &Subscription, uses: Option<&Uses>, now: OffsetDateTime) -> Value {
    let secrets = own.secrets.iter().map(|secret| {
        let live = secret.expires_at.is_none_or(|end| now < end);
        let mut shown = json!({ "id": secret.id, "live": live, "expires_at": secret.expires_at.map(when) });
        if let Some(uses @ Uses::Known(_)) = uses.filter(|_| is_old(own, secret, now)) {
            shown["last_used"] = json!(uses.last(&own.id, &secret.id).map(when));
        }
        shown
    });
    json!({
        "id": own.id, "route": own.route, "channel": own.channel, "event": own.event, "tenants": own.tenants,
        "secrets": secrets.collect::<Vec<_>>(), "path_token": own.path_token.is_some(),
        "enabled": edit::is_enabled(own, now),
    })
}

/// The secret's name, its end, and the last use of an old one.
fn noted(own: &Subscription, secret: &SigningSecret, uses: Option<&Uses>, now: OffsetDateTime) -> String {
    let end = secret.expires_at.map(|end| match now < end {
        true => format!("until {}", when(end)),
        false => "expired".to_owned(),
    });
    let used = uses.filter(|_| is_old(own, secret, now)).and_then(|uses| uses.told(&own.id, &secret.id));
    let notes: Vec<String> = end.into_iter().chain(used).collect();
    if notes.is_empty() { secret.id.clone() } else { format!("{} ({})", secret.id, notes.join(", ")) }
}

fn is_old(own: &Subscription, secret: &SigningSecret, now: OffsetDateTime) -> bool {
    own.older_secrets(now).any(|old| old.id == secret.id)
}

/// Rejects an unknown name, since all notifications of the subscription would be parked.
fn check_event(event: Option<&str>) -> Result<(), Failure> {
    match event {
        Some(name) if catalogue::find(name).is_none() => {
            let advice = "Name an event of docs/visma-net-events.md, such as ACCOUNT_CHANGED, \
                          or leave --event out.";
            Err(Failure::new(Exit::Usage, format!("no event of the catalogue is called {name}"), advice))
        }
        _ => Ok(()),
    }
}

impl From<ChannelName> for Channel {
    fn from(name: ChannelName) -> Self {
        match name {
            ChannelName::Dispatcher => Self::Dispatcher,
            ChannelName::Legacy => Self::Legacy,
        }
    }
}
