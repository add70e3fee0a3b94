//! The processor over the real store on an embedded DynamoDB, with queues and an ERP that remember.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod failures;
mod feedback;
mod order;
mod outcomes;
mod proof;
mod repairs;
mod sentences;
mod telemetry;
mod world;
