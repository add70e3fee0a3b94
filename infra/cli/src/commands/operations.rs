//! The commands that use the operations API (functions/operations/README.md).

mod begin;
mod client;
mod dead_letters;
mod deeds;
mod feedback;
mod get;
mod jobs;
mod learn;
mod lists;
mod observed;
mod options;
mod pauses;
mod replay;
mod shown;
mod stats;
mod tail;
mod tenant;
mod waits;

pub use client::Caller;
pub use dead_letters::{DeadLetters, dead_letters};
pub use deeds::{Acknowledge, Deed, Outcome as HandedIn, acknowledge, deed, outcome, unacknowledge};
pub use feedback::{Feedback, feedback};
pub use get::{Get, get};
pub use jobs::{Erase, Jobs, erase, jobs};
pub use learn::{Learn, learn, learn_with};
pub use lists::{Attention, Audit, Entity, attention, audit, counts, entity, quotas};
pub use observed::{Observed, Uses, observed, uses};
pub use options::View;
pub use pauses::{Pauses, pauses};
pub use replay::{Replay, replay};
pub use stats::{Stats, stats};
pub use tail::{News, Tail, tail};
pub use tenant::{Tenants, tenants};

use crate::output::{Format, Outcome};
use crate::stack::Stack;
use crate::terminal::{Ask, Stop};
use clap::{Args, Subcommand};
use client::Client;

#[derive(Debug, Clone, Default, Args)]
pub struct Access {
    /// The address of the operations API, if it is not the stack's ApiUrl
    #[arg(long, env = "VISMA_WEBHOOKS_API", value_name = "URL")]
    api: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum More {
    /// Show what a person should look at: dead, parked, unparseable, and feedback that Visma Net refused
    #[command(after_help = "Examples:
  visma-webhooks attention
  visma-webhooks attention --kind parked --watch
  visma-webhooks attention --acknowledged
  visma-webhooks --local attention")]
    Attention(Attention),
    /// Remove a notification from what needs attention, until it changes again
    #[command(after_help = "Examples:
  visma-webhooks acknowledge 01M844DZQT5K3V0Z8Q6H2N7RWB --note known
  visma-webhooks acknowledge 01M844DZQT5K3V0Z8Q6H2N7RWB --note known --seen 5m")]
    Acknowledge(Acknowledge),
    /// Bring an acknowledged notification back to what needs attention
    #[command(after_help = "Example:
  visma-webhooks unacknowledge 01M844DZQT5K3V0Z8Q6H2N7RWB")]
    Unacknowledge(Deed),
    /// Count what needs attention and what waits
    #[command(after_help = "Examples:
  visma-webhooks counts
  visma-webhooks counts --watch --every 10s
  visma-webhooks --local counts")]
    Counts(View),
    /// Show an account, a customer or a document: its state, its other numbers, its notifications
    #[command(after_help = "Examples:
  visma-webhooks entity --tenant 10000000-0000-4000-8000-000000000001 sales_order SO/000123
  visma-webhooks --local entity --tenant 10000000-0000-4000-8000-000000000001 customer 10001")]
    Entity(Entity),
    /// Show what waits for a tenant's quota of calls, and until when
    #[command(after_help = "Examples:
  visma-webhooks quotas
  visma-webhooks --local quotas")]
    Quotas(View),
    /// Show the tenants of the settings by name, the most recently active first
    #[command(after_help = "Examples:
  visma-webhooks tenants
  visma-webhooks --local tenants")]
    Tenants(Tenants),
    /// Show what operators did, newest first
    #[command(after_help = "Examples:
  visma-webhooks audit --from 24h
  visma-webhooks --local audit --from 24h")]
    Audit(Audit),
    /// Manage pauses: list, begin, end
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local pauses list"
    )]
    Pauses(Pauses),
    /// Hold a notification: nothing more is tried until it is released
    #[command(after_help = "Example:
  visma-webhooks hold 01M844DZQT5K3V0Z8Q6H2N7RWB --note asked")]
    Hold(Deed),
    /// Release a held or paused notification
    #[command(after_help = "Example:
  visma-webhooks release 01M844DZQT5K3V0Z8Q6H2N7RWB")]
    Release(Deed),
    /// Retry feedback that is parked or stuck
    #[command(after_help = "Example:
  visma-webhooks resend 01M844DZQT5K3V0Z8Q6H2N7RWB")]
    Resend(Deed),
    /// Resend feedback that Visma Net did not take, by a filter
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local feedback resend --all-tenants --plan"
    )]
    Feedback(Feedback),
    /// Give the outcome of a notification whose feedback was deferred
    #[command(after_help = "Examples:
  visma-webhooks outcome 01M844DZQT5K3V0Z8Q6H2N7RWB --success --text Shipped
  visma-webhooks outcome 01M844DZQT5K3V0Z8Q6H2N7RWB --failure --text Refused")]
    Outcome(HandedIn),
    /// Manage replays, resends, redrives and erasures that run in AWS: list, get, cancel, resume
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local jobs list"
    )]
    Jobs(Jobs),
    /// Manage dead letters by the operations API, which audits each redrive: list, redrive
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local dead-letters list"
    )]
    DeadLetters(DeadLetters),
    /// Delete everything that is kept of a tenant, for good (role erase)
    #[command(after_help = "Examples:
  visma-webhooks erase --tenant 10000000-0000-4000-8000-000000000001 --plan
  visma-webhooks erase --tenant T-1 --confirm T-1 --note contract-ended
  visma-webhooks --local erase --tenant 10000000-0000-4000-8000-000000000001 --plan")]
    Erase(Erase),
}

impl More {
    /// It needs its own role, which `repair` does not include.
    #[must_use]
    pub fn erases(&self) -> bool {
        matches!(self, Self::Erase(_))
    }
}

/// # Errors
/// The API refuses, has no such record, or does not answer.
pub async fn more(
    stack: &Stack,
    caller: &Caller,
    command: More,
    format: Format,
    ask: Ask,
    listen: impl FnOnce() -> Stop,
) -> Outcome {
    match command {
        More::Attention(options) => attention(stack, caller, options, format).await,
        More::Acknowledge(options) => acknowledge(stack, caller, options).await,
        More::Unacknowledge(options) => unacknowledge(stack, caller, options).await,
        More::Counts(options) => counts(stack, caller, options, format).await,
        More::Entity(options) => entity(stack, caller, options).await,
        More::Quotas(options) => quotas(stack, caller, options, format).await,
        More::Tenants(options) => tenants(stack, caller, options).await,
        More::Audit(options) => audit(stack, caller, options).await,
        More::Pauses(command) => pauses(stack, caller, command, format).await,
        More::Hold(options) => deed(stack, caller, "hold", options).await,
        More::Release(options) => deed(stack, caller, "release", options).await,
        More::Resend(options) => deed(stack, caller, "feedback", options).await,
        More::Feedback(command) => feedback(stack, caller, command, ask, listen).await,
        More::Outcome(options) => outcome(stack, caller, options).await,
        More::Jobs(command) => jobs(stack, caller, command, format, listen).await,
        More::DeadLetters(command) => dead_letters(stack, caller, command, ask, listen).await,
        More::Erase(options) => erase(stack, caller, options, ask, listen).await,
    }
}
