//! Shows progress on standard error: a bar on a terminal, lines elsewhere.

use std::io::{self, IsTerminal, Write};

const BAR: usize = 20;
/// Returns to the start of the line and clears it.
const WIPE: &str = "\r\u{1b}[2K";

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
            print(&format!("{text}\n"));
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

/// Ignores a closed standard error, so that the work continues.
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
