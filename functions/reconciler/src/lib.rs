#![doc = include_str!("../README.md")]

mod found;
mod pending;
mod ports;
mod reconciler;
mod release;
mod rollup;
mod run;
mod silence;
mod sweep;
pub mod wiring;

pub use ports::{Ports, Reconciler};
pub use reconciler::{Report, Requeued, RunError};
