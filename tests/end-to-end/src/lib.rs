#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod company;
mod ledger;
mod stack;
mod wait;

pub use company::Company;
pub use ledger::Record;
pub use stack::{Queue, Stack};
pub use wait::{PATIENCE, until};
