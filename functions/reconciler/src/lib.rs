#![doc = include_str!("../README.md")]

mod gap;
mod ports;
mod reconciler;
mod silence;
mod sweep;
pub mod wiring;

pub use ports::Ports;
pub use reconciler::{Reconciler, Report};
