//! The options of the commands that start a job for many notifications or messages.

use crate::terminal::Ask;
use clap::Args;
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(super) struct Start {
    /// How many per second; 10 by default
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// Start without asking, at a terminal
    #[arg(long)]
    yes: bool,
    /// Start the job and do not wait for its end
    #[arg(long, conflicts_with = "plan")]
    pub(super) detach: bool,
}

impl Start {
    /// Adds the rate to the request, if it was given.
    pub(super) fn paced(&self, mut request: Value) -> Value {
        if let Some(rate) = self.rate {
            request["rate"] = json!(rate);
        }
        request
    }

    /// The person to ask, if there is one and `--yes` was not given.
    pub(super) fn person(&self, ask: Ask) -> Ask {
        ask.filter(|_| !self.yes)
    }
}
