//! The commands that use the operations API (functions/operations/README.md).

mod caller;
mod client;
mod dead_letters;
mod deeds;
mod event_name;
mod feedback;
mod find;
mod jobs;
mod learn;
mod lists;
mod more;
mod observed;
mod older;
mod pauses;
mod replay;
mod shown;
mod start;
mod stats;
mod tail;
mod tenant;
mod watch;

pub use caller::Caller;
pub use dead_letters::{DeadLetters, dead_letters};
pub use deeds::{Acknowledge, Deed, Outcome as HandedIn, acknowledge, deed, outcome, unacknowledge};
pub use feedback::{Feedback, feedback};
pub use jobs::{Erase, Jobs, erase, jobs};
pub use learn::{Learn, learn, learn_with};
pub use lists::{Attention, Audit, Entity, attention, audit, counts, entity, quotas};
pub use more::{More, more};
pub use observed::{Observed, observed};
pub use older::{Uses, uses};
pub use pauses::{Pauses, pauses};
pub use replay::{Replay, replay};
pub use stats::{Stats, stats};
pub use tail::{News, Tail, tail};
pub use tenant::{Tenants, tenants};
pub use watch::View;

use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report};
use crate::stack::Stack;
use clap::Args;
use client::Client;
use std::io::IsTerminal;

#[derive(Debug, Clone, Default, Args)]
pub struct Access {
    /// The address of the operations API, if it is not the stack's ApiUrl
    #[arg(long, env = "VISMA_WEBHOOKS_API", value_name = "URL")]
    api: Option<String>,
}

#[derive(Debug, Args)]
pub struct Get {
    /// A `ref`, a number or a part of it, or the id of a notification, an event, a delivery or a
    /// trace
    #[arg(value_name = "ANYTHING")]
    what: String,
    #[command(flatten)]
    place: find::Where,
    /// Show the exact text as it came, which may hold personal data (role raw)
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// The API refuses, has no such notification, or does not answer.
pub async fn get(stack: &Stack, caller: &Caller, options: Get) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let Get { what, place, raw, .. } = &options;
    match named(&client, what, *raw).await {
        // It is not a `ref`, or no record has it.
        Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Usage) => {}
        shown => return shown,
    }
    let found = find::find(&client, what, place).await?;
    match found["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => Err(find::nothing(what, &found)),
        [one] => named(&client, &shown::text(&one["ref"]), *raw).await,
        _ if *raw => {
            Err(Failure::usage(format!("several fit {what}"), "Take the `ref` of one: get shows them without --raw."))
        }
        _ => {
            let text = find::list(&found);
            Ok(Report::new(found, text))
        }
    }
}

async fn named(client: &Client<'_>, name: &str, raw: bool) -> Outcome {
    if raw {
        let raw = client.get(&["operations", "raw", "notifications", name], &[]).await?;
        let text = raw["text"].as_str().unwrap_or_default().to_owned();
        let text = if std::io::stdout().is_terminal() { crate::output::printable(&text) } else { text };
        return Ok(Report::new(raw, text));
    }
    let one = client.get(&["operations", "v1", "notifications", name], &[]).await?;
    let text = shown::timeline(&one);
    Ok(Report::new(one, text))
}
