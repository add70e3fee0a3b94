#![doc = include_str!("../README.md")]

mod erase;
mod failure;
mod ports;
mod redrive;
mod release;
mod repair;
mod replay;
mod resend;
pub mod wiring;

pub use ports::{Ports, QueuePair};
pub use repair::Repair;
