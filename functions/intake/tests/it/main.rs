//! The receiver's contract, in process, with fakes for the settings, the queue and the clock.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod example;
mod forms;
mod statuses;
mod support;
mod telemetry;
mod verification;
