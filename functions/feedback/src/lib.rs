#![doc = include_str!("../README.md")]

mod delivery;
mod feedback;
mod ports;
mod quota;
pub mod wiring;

pub use feedback::Feedback;
pub use ports::{Limits, Ports};
