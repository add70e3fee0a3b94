//! Tests of the store on an embedded DynamoDB, through the real SDK over HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod allowances;
mod answers;
mod attention;
mod audit;
mod deeds;
mod directory;
mod expiry;
mod head;
mod jobs;
mod ledger;
mod lists;
mod marks;
mod observed;
mod pending;
mod rollups;
mod search;
mod support;
mod sweeps;
mod together;
mod waits;
