//! The store on an embedded DynamoDB, through the real SDK over the wire.

mod answers;
mod head;
mod ledger;
mod support;
mod sweeps;
