#![doc = include_str!("../README.md")]

mod ahead;
mod directory;
mod found;
mod gap;
mod pauses;
mod pending;
mod ports;
mod reconciler;
mod release;
mod rollup;
mod rounds;
mod run;
mod silence;
mod sweep;
pub mod wiring;

pub use ports::{Ports, Reconciler};
pub use reconciler::{Report, Requeued, RunError};
