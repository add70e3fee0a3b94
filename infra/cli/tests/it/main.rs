//! The command line's parts, over fakes on this machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod deploy_check;
mod dlq;
mod doctor;
mod edit;
mod forward;
mod learn;
mod operations;
mod profiles;
mod program;
mod queue;
mod secrets;
mod send;
mod server;
mod subscriptions;
mod zone;
