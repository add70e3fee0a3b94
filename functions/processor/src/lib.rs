#![doc = include_str!("../README.md")]

mod admission;
mod answer;
mod batch;
mod effects;
mod failure;
mod handler;
mod local;
mod observing;
mod ports;
mod quota;
mod sentences;
mod settle;
mod steps;
mod together;
pub mod wiring;

pub use failure::Failure;
pub use handler::{Acknowledge, Handler, HandlerError};
pub use local::{LocalState, NOTICED_WITHIN};
pub use ports::{Done, Limits, Ports, Processor};
