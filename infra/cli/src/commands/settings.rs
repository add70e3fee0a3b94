//! `settings` and `client`: change tenants, names of events, routes and the service client in the
//! settings document.

use super::subscriptions::{Writing, finish};
use crate::error::Failure;
use crate::output::{Outcome, Report};
use crate::settings::{Documents, SecretsManager, edit, entries};
use crate::stack::Stack;
use crate::text::{alias, secret_from_stdin};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the settings document without its secrets
    #[command(after_help = "Examples:
  visma-webhooks settings show
  visma-webhooks --local settings show")]
    Show,
    /// Manage the tenants to reconcile, and their company numbers in legacy messages: add, remove
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local settings tenants remove 10000000-0000-4000-8000-000000000001 --dry-run"
    )]
    Tenants(Tenants),
    /// Manage the meanings of event names that are not in the catalogue: add, remove
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local settings aliases add KontoEndret=ACCOUNT_CHANGED --dry-run"
    )]
    Aliases(Aliases),
    /// Manage what to do about each event: add, remove
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local settings routes remove \"segment.*\" --dry-run"
    )]
    Routes(Routes),
}

#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Add a tenant
    #[command(after_help = "Examples:
  visma-webhooks settings tenants add 10000000-0000-4000-8000-000000000001 --name Nordfjord
  visma-webhooks --local settings tenants add 20000000-0000-4000-8000-000000000001 --name Sunndal --dry-run")]
    Add(Tenant),
    /// Remove a tenant. Its missed webhooks are no longer looked for. To erase it, do that first
    ///
    /// It is refused while a subscription names the tenant, unless you add --from-subscriptions.
    #[command(after_help = "Examples:
  visma-webhooks settings tenants remove 10000000-0000-4000-8000-000000000001 --dry-run
  visma-webhooks settings tenants remove 10000000-0000-4000-8000-000000000001 --from-subscriptions
  visma-webhooks --local settings tenants remove 10000000-0000-4000-8000-000000000001 --dry-run")]
    Remove(Leaving),
}

#[derive(Debug, Subcommand)]
pub enum Aliases {
    /// Set or change the meaning of a name
    #[command(after_help = "Examples:
  visma-webhooks settings aliases add KontoEndret=ACCOUNT_CHANGED
  visma-webhooks --local settings aliases add KontoEndret=ACCOUNT_CHANGED")]
    Add(Alias),
    /// Remove the meaning of a name
    #[command(after_help = "Examples:
  visma-webhooks settings aliases remove KontoEndret
  visma-webhooks --local settings aliases add KontoEndret=ACCOUNT_CHANGED
  visma-webhooks --local settings aliases remove KontoEndret")]
    Remove(Named),
}

#[derive(Debug, Subcommand)]
pub enum Routes {
    /// Add a route; the first route whose pattern matches counts
    #[command(after_help = "Examples:
  visma-webhooks settings routes add \"sales_order.*\" --feedback deferred --deadline-hours 48
  visma-webhooks settings routes add account.deleted --no-fetch --first
  visma-webhooks --local settings routes add account.deleted --no-fetch --first --dry-run")]
    Add(Route),
    /// Remove a route
    #[command(after_help = "Examples:
  visma-webhooks settings routes remove \"sales_order.*\"
  visma-webhooks --local settings routes remove \"segment.*\" --dry-run")]
    Remove(Named),
}

#[derive(Debug, Args)]
pub struct Tenant {
    /// The tenant's id, which is the company's id at Visma Connect
    id: String,
    /// The name that people use
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The company's number in legacy messages
    #[arg(long, value_name = "NUMBER")]
    company_id: Option<String>,
    /// How long it may be silent, in hours; 0 for no limit
    #[arg(long, value_name = "HOURS")]
    silence_hours: Option<u16>,
    /// The language of its accountants: en, nb, sv, da, nl or fi
    #[arg(long)]
    language: Option<String>,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub struct Leaving {
    /// The tenant's id
    id: String,
    /// Also take it out of the tenants of each subscription. An emptied list serves no tenant
    #[arg(long)]
    from_subscriptions: bool,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub struct Alias {
    /// The name as it comes, and an event of the catalogue
    #[arg(value_name = "NAME=EVENT", value_parser = alias)]
    alias: (String, String),
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub struct Named {
    /// The event's name, or the route's pattern
    name: String,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Feedback {
    /// Immediately
    Automatic,
    /// When your system gives an outcome
    Deferred,
    /// Never
    None,
}

#[derive(Debug, Args)]
pub struct Route {
    /// A pattern over ENTITY.KIND, such as sales_order.*; * for any text. Quote it in a shell
    #[arg(value_name = "PATTERN")]
    events: String,
    /// When the feedback is sent
    #[arg(long, value_enum, default_value_t = Feedback::Automatic)]
    feedback: Feedback,
    /// How long an outcome may take, 1 to 336 hours; 24 by default
    #[arg(long, value_name = "HOURS")]
    deadline_hours: Option<u32>,
    /// Do not fetch the resource from the ERP
    #[arg(long)]
    no_fetch: bool,
    /// Do not publish an event
    #[arg(long)]
    no_publish: bool,
    /// Put it before the other routes instead of behind them
    #[arg(long)]
    first: bool,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub struct Client {
    /// The client's id from the Developer Portal: isv_...
    #[arg(long, value_name = "CLIENT")]
    id: String,
    /// Read its secret from standard input, so that it stays out of the shell's history
    #[arg(long, required = true)]
    secret_stdin: bool,
    /// Show the change without writing it
    #[arg(long)]
    dry_run: bool,
}

/// # Errors
/// The document cannot be read, is not valid, would become invalid, or was changed meanwhile.
pub async fn run(stack: &Stack, command: Command) -> Outcome {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    carry_out(&SecretsManager::new(client, stack.output("SettingsSecretArn").await?), command).await
}

/// # Errors
/// As [`run`].
pub async fn carry_out(documents: &impl Documents, command: Command) -> Outcome {
    let read = documents.read().await?;
    if matches!(command, Command::Show) {
        let text = edit::redacted(&read.text);
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        return Ok(Report::new(json, text));
    }
    let (text, done, writing) = edited(&read.text, command)?;
    let done = format!("{done} (functions notice within 5 minutes).");
    let report = finish(documents, &read, &text, &writing, (done, None)).await?;
    Ok(report.with_warnings(&entries::serving_less(&read.text, &text)?))
}

/// # Errors
/// The document cannot be read, is not valid, or was changed meanwhile.
pub async fn set_client(stack: &Stack, options: Client) -> Outcome {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    let documents = SecretsManager::new(client, stack.output("SettingsSecretArn").await?);
    set_client_with(&documents, options, &secret_from_stdin()?).await
}

/// # Errors
/// As [`set_client`].
pub async fn set_client_with(documents: &impl Documents, options: Client, secret: &str) -> Outcome {
    let read = documents.read().await?;
    let text = entries::set_client(&read.text, &options.id, secret)?;
    let diff = edit::redacted_diff(&read.text, &text);
    if options.dry_run {
        return Ok(Report::new(json!({ "written": false, "diff": diff }), format!("{diff}Nothing was written.")));
    }
    documents.replace(&read, &text).await?;
    let done = format!("The receiver calls Visma Net as {} (functions notice within 5 minutes).", options.id);
    Ok(Report::new(json!({ "written": true, "diff": diff }), done))
}

/// The new text, the message for the user, and how to write it.
fn edited(text: &str, command: Command) -> Result<(String, String, Writing), Failure> {
    Ok(match command {
        Command::Show => (text.to_owned(), String::new(), Writing::default()),
        Command::Tenants(Tenants::Add(Tenant { id, name, company_id, silence_hours, language, writing })) => {
            let mut tenant = json!({ "id": id });
            let given = [
                ("name", json!(name)),
                ("company_id", json!(company_id)),
                ("silence_hours", json!(silence_hours)),
                ("language", json!(language)),
            ];
            for (field, value) in given.into_iter().filter(|(_, value)| !value.is_null()) {
                tenant[field] = value;
            }
            (entries::add_tenant(text, &tenant)?, format!("Added the tenant {id}"), writing)
        }
        Command::Tenants(Tenants::Remove(Leaving { id, from_subscriptions, writing })) => {
            (entries::remove_tenant(text, &id, from_subscriptions)?, format!("Removed the tenant {id}"), writing)
        }
        Command::Aliases(Aliases::Add(Alias { alias, writing })) => {
            let done = format!("{} means {}", alias.0, alias.1);
            (entries::learn(text, &[alias], &[])?, done, writing)
        }
        Command::Aliases(Aliases::Remove(Named { name, writing })) => {
            (entries::remove_alias(text, &name)?, format!("{name} means nothing any more"), writing)
        }
        Command::Routes(Routes::Add(route)) => {
            let text = entries::add_route(text, &route.in_json(), route.first)?;
            (text, format!("Added the route of {}", route.events), route.writing)
        }
        Command::Routes(Routes::Remove(Named { name, writing })) => {
            (entries::remove_route(text, &name)?, format!("Removed the route of {name}"), writing)
        }
    })
}

impl Route {
    fn in_json(&self) -> Value {
        let feedback = match self.feedback {
            Feedback::Automatic => "automatic",
            Feedback::Deferred => "deferred",
            Feedback::None => "none",
        };
        let mut route = json!({
            "events": self.events, "fetch": !self.no_fetch, "publish": !self.no_publish, "feedback": feedback,
        });
        if let Some(hours) = self.deadline_hours {
            route["deadline_hours"] = json!(hours);
        }
        route
    }
}
