#![doc = include_str!("../README.md")]

mod admission;
mod confirmation;
mod failure;
mod fetching;
mod handler;
mod metrics;
mod pauses;
mod ports;
mod processor;
mod sentences;
mod settle;
mod steps;
pub mod wiring;

pub use failure::Failure;
pub use handler::{Acknowledge, Handler, HandlerError};
pub use pauses::{NOTICED_WITHIN, Pauses};
pub use ports::{Limits, Ports};
pub use processor::{Done, Processor};
pub use webhooks_queue::Crew;
