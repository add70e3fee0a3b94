#![doc = include_str!("../README.md")]

mod calls;
mod checksum;
mod dynamo;
mod endpoint;
mod queues;
mod secrets;
mod server;
mod sqs;
mod table;
mod units;

pub use calls::{Calls, Operation, Service, Tally};
pub use endpoint::{Endpoint, Options, QUEUES, SECRET_ID};
pub use queues::{Received, chunks, sqs_event};
pub use server::Connection;
pub use table::NAME as TABLE;
