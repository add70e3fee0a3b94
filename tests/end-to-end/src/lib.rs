#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "it stands outside of what it drives")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

pub mod catalogue;
pub mod company;
mod ledger;
mod operator;
mod redaction;
mod stack;
mod wait;

pub use company::Company;
pub use ledger::Record;
pub use operator::Operator;
pub use redaction::{never_logged, shown};
pub use stack::{Call, Queue, Stack};
pub use wait::{PATIENCE, until, until_within};
