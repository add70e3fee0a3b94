//! The feedback function over the real store on an embedded DynamoDB, with queues and an ERP that remember.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod example;
mod observed;
mod outcomes;
mod telemetry;
mod world;
