//! Tests the reconciler with the real store on an embedded DynamoDB, and with lists that the test
//! controls.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod cost;
mod counted;
mod directory;
mod example;
mod fifty_windows;
mod five_thousand;
mod gaps;
mod mass;
mod paging;
mod pauses;
mod pending;
mod rollup;
mod rotation;
mod silence;
mod standin;
mod world;
mod zones;
