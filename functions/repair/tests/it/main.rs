//! Tests of the repair function: the real store on an embedded DynamoDB, and queues that record.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod erase;
mod jobs;
mod meanwhile;
mod redrive;
mod release;
mod resend;
mod world;
