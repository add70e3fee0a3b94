#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod actors;
mod afterwards;
mod asks;
mod cargo;
mod check;
mod choice;
mod effect;
mod emit;
mod faults;
mod http;
mod invoke;
mod model;
mod operator;
mod planted;
mod ports;
mod run;
mod trouble;
mod upkeep;
mod world;
mod writes;

pub use check::{Invariant, Met, Violation};
pub use choice::shortest;
pub use model::table::ModelItems;
pub use planted::{Planted, Sabotage};
pub use run::{Outcome, Plan, run};
