//! The person at the terminal: asks for confirmation, listens for Ctrl-C, and shows progress.
//!
//! Ctrl-C becomes a flag. A loop checks it, and finishes or puts back its work before it ends.
//! Progress goes to standard error: a bar on a terminal, lines elsewhere.

use crate::error::Exit;
use futures::FutureExt;
use std::io::{self, BufRead, IsTerminal, Write};
use tokio::sync::watch;

const BAR: usize = 20;
/// Returns to the start of the line and clears it.
const WIPE: &str = "\r\u{1b}[2K";

/// Asks a person; `None` if there is none.
pub type Ask = Option<fn(&str) -> bool>;

/// Only if both input and output are terminals is there a person.
#[must_use]
pub fn at_the_terminal() -> Ask {
    let is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    is_there.then_some(question as fn(&str) -> bool)
}

fn question(text: &str) -> bool {
    let mut shown = io::stderr().lock();
    let asked = write!(shown, "{text} [y/N] ").and_then(|()| shown.flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    asked.is_ok() && read.is_ok() && is_yes(&answer)
}

/// Everything else means no.
#[must_use]
pub fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// True from the first Ctrl-C on.
pub type Stop = watch::Receiver<bool>;

/// The first Ctrl-C asks the program to stop. The second one ends it at once.
pub fn listen() -> Stop {
    let (stop, stopped) = watch::channel(false);
    let mut first = Box::pin(tokio::signal::ctrl_c());
    // The first poll registers it. Before that, Ctrl-C would end the program without a word.
    let early = first.as_mut().now_or_never();
    tokio::spawn(async move {
        let asked = match early {
            Some(asked) => asked,
            None => first.await,
        };
        if asked.is_ok() {
            // Without a receiver, the work is over.
            let _ = stop.send(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    stopped
}

/// Waits for a request to stop.
pub async fn requested(stop: &Stop) {
    if stop.clone().wait_for(|stop| *stop).await.is_err() {
        // No request can come any more.
        std::future::pending::<()>().await;
    }
}

#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    all: Option<u64>,
    told: String,
}

impl Progress {
    /// The total, if known.
    #[must_use]
    pub fn of(all: Option<u64>) -> Self {
        let is_dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self { is_terminal: io::stderr().is_terminal() && !is_dumb, all, told: String::new() }
    }

    /// Shows new progress.
    pub fn tell(&mut self, done: u64, text: &str) {
        let text = if self.is_terminal { line(done, self.all, text) } else { text.to_owned() };
        if text == self.told {
            return;
        }
        if self.is_terminal {
            print(&format!("{WIPE}{text}"));
        } else {
            say(&text);
        }
        self.told = text;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && !self.told.is_empty() {
            print(WIPE);
        }
    }
}

/// Writes a line to standard error.
pub fn say(text: &str) {
    print(&format!("{text}\n"));
}

/// Ignores a closed standard error, so that the work continues and the exit code stays. `eprintln!`
/// would panic.
fn print(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The bar with its text.
#[must_use]
pub fn line(done: u64, all: Option<u64>, text: &str) -> String {
    let Some(all) = all.filter(|all| *all > 0) else { return text.to_owned() };
    let done = done.min(all);
    let (full, percent) = (done.saturating_mul(BAR as u64) / all, done.saturating_mul(100) / all);
    let full = usize::try_from(full).unwrap_or(BAR);
    format!("[{}{}] {percent:>3} %  {text}", "#".repeat(full), "-".repeat(BAR - full))
}
