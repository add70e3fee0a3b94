//! The processor over the real store on an embedded DynamoDB, with queues and an ERP that remember.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attempts;
mod bounds;
mod example;
mod failures;
mod feedback;
mod forms;
mod identified;
mod observed;
mod order;
mod outcomes;
mod proof;
mod quota;
mod repairs;
mod sentences;
mod telemetry;
mod tenant;
mod together;
mod world;
mod zones;
