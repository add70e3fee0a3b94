//! The options that several commands have: those that repeat a look until Ctrl-C, and those that
//! start a job for many notifications or messages.

use super::Access;
use crate::error::{Exit, Failure};
use crate::output::{Format, Outcome, Report, escaped, line, printable};
use crate::terminal::{Ask, listen, requested, say};
use crate::text::duration;
use clap::Args;
use serde_json::{Value, json};
use time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

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
    pub(super) async fn show(&self, format: Format, look: impl AsyncFnMut() -> Outcome) -> Outcome {
        self.show_until(format, None, |_| false, look).await
    }

    /// The same, until `is_last` says that nothing more will change, or for `timeout` at most.
    pub(super) async fn show_until(
        &self,
        format: Format,
        timeout: Option<Duration>,
        is_last: impl Fn(&Value) -> bool,
        mut look: impl AsyncFnMut() -> Outcome,
    ) -> Outcome {
        if !self.watch {
            return look().await;
        }
        let (stop, every, mut shown) = (listen(), self.every.unsigned_abs(), None);
        let ends_at = timeout.map(|timeout| Instant::now() + timeout.unsigned_abs());
        let mut wait = std::time::Duration::ZERO;
        loop {
            let next = async {
                sleep(wait).await;
                look().await
            };
            let looked = tokio::select! {
                biased;
                () = requested(&stop) => return Ok(Report::new(Value::Null, "").with_exit(Exit::Interrupted)),
                () = reached(ends_at) => return Err(not_ended(timeout)),
                looked = next => looked,
            };
            wait = every;
            match looked {
                Ok(report) => {
                    let exit = is_last(&report.json).then_some(report.exit);
                    if shown.as_ref() != Some(&report.json) {
                        line(&match format {
                            Format::Json => escaped(&report.json.to_string()),
                            Format::Table => format!("{}\n", report.text.trim_end()),
                        })?;
                        shown = Some(report.json);
                    }
                    if let Some(exit) = exit {
                        return Ok(Report::new(Value::Null, "").with_exit(exit));
                    }
                }
                Err(failure) if failure.exit == Exit::Unavailable => {
                    say(&format!("{}; asking again", printable(&failure.what)));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.watch
    }
}

async fn reached(ends_at: Option<Instant>) {
    match ends_at {
        Some(ends_at) => sleep_until(ends_at).await,
        None => std::future::pending().await,
    }
}

fn not_ended(timeout: Option<Duration>) -> Failure {
    let seconds = timeout.unwrap_or_default().whole_seconds();
    let advice = "It continues, and the same command watches on.";
    Failure::new(Exit::Unavailable, format!("no end within {seconds} s"), advice)
}

#[derive(Debug, Args)]
pub(super) struct Start {
    /// How many per second; 10 by default
    #[arg(long, value_name = "NUMBER")]
    rate: Option<u32>,
    /// Start without asking, at a terminal
    #[arg(long)]
    yes: bool,
    /// Start the job and do not wait for its end; jobs get --watch does
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
