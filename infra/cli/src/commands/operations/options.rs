//! The options that several commands have: those that repeat a look until Ctrl-C, and those that
//! start a job for many notifications or messages.

use super::Access;
use crate::error::Exit;
use crate::output::{Format, Outcome, Report, escaped, line, printable};
use crate::terminal::{Ask, listen, requested};
use crate::text::duration;
use clap::Args;
use serde_json::{Value, json};
use time::Duration;

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Look repeatedly, and show each change, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// How often to look
    #[arg(long, default_value = "2s", value_parser = duration, requires = "watch")]
    every: Duration,
}

/// The options of a command that only reads.
#[derive(Debug, Args)]
pub struct View {
    #[command(flatten)]
    pub(super) watch: Watch,
    #[command(flatten)]
    pub(super) access: Access,
}

impl Watch {
    /// Looks once, or repeatedly, even if the API does not answer for a while. In JSON each change
    /// is one line.
    pub(super) async fn show(&self, format: Format, mut look: impl AsyncFnMut() -> Outcome) -> Outcome {
        if !self.watch {
            return look().await;
        }
        let (stop, every, mut shown) = (listen(), self.every.unsigned_abs(), None);
        loop {
            match look().await {
                Ok(report) if shown.as_ref() != Some(&report.json) => {
                    line(&match format {
                        Format::Json => escaped(&report.json.to_string()),
                        Format::Table => format!("{}\n", report.text.trim_end()),
                    })?;
                    shown = Some(report.json);
                }
                Ok(_) => {}
                Err(failure) if failure.exit == Exit::Unavailable => {
                    eprintln!("{}; asking again", printable(&failure.what));
                }
                Err(failure) => return Err(failure),
            }
            tokio::select! {
                biased;
                () = requested(&stop) => return Ok(Report::new(Value::Null, "").with_exit(Exit::Interrupted)),
                () = tokio::time::sleep(every) => {}
            }
        }
    }
}

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
