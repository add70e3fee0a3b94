#![doc = include_str!("../README.md")]

mod calls;
mod dynamo;
mod endpoint;
mod server;
mod sqs;

pub use calls::{Calls, Operation, Service, Tally};
pub use dynamo::TABLE;
pub use endpoint::{Endpoint, Options, QUEUES, SECRET_ID};
pub use server::Connection;
pub use sqs::{Received, chunks, sqs_event};
