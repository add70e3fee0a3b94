//! Tests the command line's parts with fakes on this machine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod completion;
mod deploy_check;
mod dlq;
mod doctor;
mod edit;
mod forward;
mod jobs;
mod jq;
mod learn;
mod local;
mod man;
mod operations;
mod output;
mod pages;
mod profiles;
mod program;
mod queue;
mod replay;
mod routes;
mod send;
mod server;
mod settings;
mod subscriptions;
mod tail;
mod tenant;
mod zone;
