//! The feedback function over the real store on an embedded DynamoDB, with queues and an ERP that remember.

mod answers;
mod outcomes;
mod telemetry;
mod world;
