//! Asks a person for confirmation.

use std::io::{self, BufRead, IsTerminal, Write};

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
