//! How policies are evaluated, and what the template's roles say to the calls that are listed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conditions;
mod evaluation;
mod kept;
mod listed;
mod sources;
mod wire;
