//! Tests the evaluation of policies, and the template's roles with the listed calls.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod evaluation;
mod listed;
mod wire;
