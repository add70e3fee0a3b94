#![doc = include_str!("../README.md")]

mod archive;
pub mod benches;
mod deliveries;
mod deployment;
mod error;
mod function;
mod log;
mod passage;
mod report;
mod runtime_api;
mod sample;
mod usage;
mod world;

pub use error::{Error, Result};
pub use function::{Answer, Function, Limits, Program};
pub use report::Report;
pub use runtime_api::{News, RuntimeApi};
pub use usage::Usage;
