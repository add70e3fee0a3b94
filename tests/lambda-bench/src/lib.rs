#![doc = include_str!("../README.md")]

pub mod benches;
mod deployment;
mod function;
mod report;
mod runtime_api;
mod visma;
mod world;

pub use function::{Answer, Function, Limits, Program, Usage};
pub use report::Report;
pub use runtime_api::{News, RuntimeApi};

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{program} ended by itself ({status}).\n{log}")]
    Ended { program: String, status: ExitStatus, log: String },
    #[error("{program} did not ask for an event within {limit:?}.\n{log}")]
    Silent { program: String, limit: Duration, log: String },
    #[error("{program} did not answer and ask for another event within {limit:?}.\n{log}")]
    NoAnswer { program: String, limit: Duration, log: String },
    #[error("{program} says that it cannot start: {document}\n{log}")]
    CannotStart { program: String, document: String, log: String },
    #[error("{program} failed: {document}\n{log}")]
    Failed { program: String, document: String, log: String },
    #[error("{program} answered {answer}, which is not what it is measured for.\n{log}")]
    Unexpected { program: String, answer: String, log: String },
    #[error("nothing waits in the queue {0}, though a function should have put it there")]
    NothingWaits(String),
    #[error(transparent)]
    Visma(#[from] standin::Error),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }
}
