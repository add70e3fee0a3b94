//! The reconciler over the real store on an embedded DynamoDB, with lists as a test wants them.

mod budget;
mod gaps;
mod silence;
mod world;
