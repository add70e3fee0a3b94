//! Tests of the operations API: events as API Gateway sends them, the real store, and an embedded
//! DynamoDB.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod attention;
mod audit;
mod bounds;
mod console;
mod document;
mod jobs;
mod lists;
mod newer;
mod outcomes;
mod overview;
mod repairs;
mod search;
mod world;
