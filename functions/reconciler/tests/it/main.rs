//! The reconciler over the real store on an embedded DynamoDB, with lists as a test wants them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod cost;
mod counted;
mod fifty_windows;
mod five_thousand;
mod gaps;
mod pending;
mod silence;
mod world;
mod zones;
