#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod actors;
mod asks;
mod cargo;
mod check;
mod choice;
mod effect;
mod emit;
mod faults;
mod forget;
mod http;
mod invoke;
mod model;
mod months;
mod names;
mod operator;
mod planted;
mod ports;
mod run;
mod sabotage;
mod short;
mod shrink;
mod trouble;
mod twins;
mod upkeep;
mod world;
mod writes;

pub use check::{Invariant, Met, Violation};
pub use model::items::ModelItems;
pub use planted::Planted;
pub use run::{Outcome, Plan, run};
pub use sabotage::Sabotage;
pub use shrink::shortest;
