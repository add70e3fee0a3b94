#![doc = include_str!("../README.md")]

mod admission;
mod confirmation;
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
mod used_up;
pub mod wiring;

pub use failure::Failure;
pub use handler::{Acknowledge, Handler, HandlerError};
pub use pauses::{NOTICED_WITHIN, Pauses};
pub use ports::{Limits, Ports};
pub use processor::{Done, Processor};
pub use used_up::UsedUp;
pub use webhooks_queue::Crew;
pub use webhooks_store::Observer;
