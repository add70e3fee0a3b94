//! The processor over the real store on an embedded DynamoDB, with queues and an ERP that remember.

mod failures;
mod feedback;
mod order;
mod outcomes;
mod proof;
mod telemetry;
mod world;
