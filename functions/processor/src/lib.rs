#![doc = include_str!("../README.md")]

mod admission;
mod answer;
mod batch;
mod confirmation;
mod earlier_settings;
mod effects;
mod exhausted_quotas;
mod failure;
mod fetching;
mod handler;
mod metrics;
mod observing;
mod pauses;
mod ports;
mod processor;
mod quota;
mod sentences;
mod settle;
mod steps;
mod together;
pub mod wiring;

pub use failure::Failure;
pub use handler::{Acknowledge, Handler, HandlerError};
pub use pauses::NOTICED_WITHIN;
pub use ports::{Limits, Ports};
pub use processor::{Done, LocalState, Processor};
