//! Tests of the store on an embedded DynamoDB, through the real SDK over HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allowances;
mod answers;
mod attention;
mod audit;
mod directory;
mod expiry;
mod head;
mod history;
mod jobs;
mod ledger;
mod mortal;
mod observed;
mod pending;
mod repeated;
mod rollups;
mod search;
mod subscriptions;
mod support;
mod sweeps;
mod waits;
