//! Tests the processor with the real store on an embedded DynamoDB, and with recording queues and a
//! recording ERP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod example;
mod failures;
mod feedback;
mod forms;
mod moved;
mod observed;
mod order;
mod outcomes;
mod proof;
mod quota;
mod repairs;
mod telemetry;
mod together;
mod world;
