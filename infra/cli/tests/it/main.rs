//! Tests the command line's parts with fakes on this machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod completion;
mod deploy_check;
mod dlq;
mod doctor;
mod edit;
mod fakes;
mod forward;
mod jobs;
mod jq;
mod learn;
mod lists;
mod operations;
mod output;
mod program;
mod routes;
mod send;
mod settings;
mod subscriptions;
mod tenant;
mod watch;
mod zone;
