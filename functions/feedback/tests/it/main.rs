//! Tests the feedback function with the real store on an embedded DynamoDB, and with recording
//! queues and a recording ERP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod outcomes;
mod telemetry;
mod world;
