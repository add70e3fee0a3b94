//! Tests the reconciler with the real store on an embedded DynamoDB, and with lists that the test
//! controls.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod cost;
mod example;
mod fifty_windows;
mod gaps;
mod paging;
mod pauses;
mod pending;
mod rollup;
mod silence;
mod standin;
mod waiting;
mod world;
mod zones;
