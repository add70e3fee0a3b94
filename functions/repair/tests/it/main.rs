//! The repair function over the real store on an embedded DynamoDB, with queues that remember.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod erase;
mod example;
mod jobs;
mod redrive;
mod release;
mod resend;
mod world;
