#![doc = include_str!("../README.md")]

mod delivery;
mod feedback;
mod ports;
pub mod wiring;

pub use feedback::Feedback;
pub use ports::{Limits, Ports};
