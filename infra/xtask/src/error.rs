//! Errors, each with advice.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("interrupted")]
    Interrupted,
    #[error("cannot {what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("`{command}` failed ({status}).")]
    Failed { command: String, status: ExitStatus },
    #[error("{what} did not come up within {} s.\n{log}", limit.as_secs())]
    NotUp { what: &'static str, limit: Duration, log: Log },
    #[error("{what} stopped ({status}).\n{log}")]
    Stopped { what: &'static str, status: ExitStatus, log: Log },
    #[error("Python 3.10 or newer is needed to run the local AWS, and {found}. Install it, or set PYTHON to its path.")]
    NoPython { found: String },
    #[error("Cannot make a Python environment; on Debian and Ubuntu: apt install python3-venv.")]
    NoVenv,
    #[error(
        "The console's tests drive Chromium, and {missing} is not on PATH. Install it: on Debian `apt install \
         chromium chromium-driver`, on macOS `brew install chromium chromedriver`."
    )]
    NoBrowser { missing: &'static str },
    #[error("The console's tests run axe-core, and npm, which installs it, is not on PATH. Install Node.js with npm.")]
    NoNpm,
    #[error("Another `cargo xtask` is running in {}. Stop it first.", .0.display())]
    Busy(PathBuf),
    #[error("Nothing is running in {}. Run `cargo xtask up` in another terminal first.", .0.display())]
    NotRunning(PathBuf),
    #[error("intake answered {answer} to GET {url}.\n{log}")]
    NotServing { url: String, answer: String, log: Log },
    #[error("No bug of tests/planted/bugs.json matches. `cargo xtask planted --list` shows them.")]
    NothingPlanted,
    #[error(
        "Bug {number} cannot be planted: its text is in {file} {found} times. Make `find` of \
         tests/planted/bugs.json fit."
    )]
    Misplaced { number: u32, file: String, found: usize },
    #[error("The tests could not be run with bug {number} of tests/planted/bugs.json.\n{log}")]
    Untried { number: u32, log: Log },
    #[error("No test noticed these bugs of tests/planted/bugs.json: {numbers}. Write one for each.")]
    Unnoticed { numbers: String },
    #[error("No test noticed these changes, or the tests did not end. Write a test for each.\n{mutants}")]
    MissedMutants { mutants: String },
    #[error("{} is not the function's bill of materials: {what}.", file.display())]
    BadSbom { file: PathBuf, what: String },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }
}

/// A log, shown by its last lines.
#[derive(Debug, Clone)]
pub(crate) struct Log(pub(crate) PathBuf);

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LINES: usize = 40;
        writeln!(f, "The end of {}:", self.0.display())?;
        let text = std::fs::read(&self.0).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let start = lines.len().saturating_sub(LINES);
        lines[start..].iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
