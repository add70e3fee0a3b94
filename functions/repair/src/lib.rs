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

pub use ports::{Lane, Ports};
pub use repair::Repair;
