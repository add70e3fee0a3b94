#![doc = include_str!("../README.md")]

mod erase;
mod ports;
mod repair;
mod replay;
mod resend;
pub mod wiring;

pub use ports::{Ports, QueuePair};
pub use repair::Repair;
