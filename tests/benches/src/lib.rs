#![doc = include_str!("../README.md")]
// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]

pub mod batching;
pub mod bill;
pub mod bodies;
pub mod budget;
pub mod count;
pub mod functions;
pub mod gateway;
pub mod growth;
pub mod measure;
pub mod pipeline;
pub mod report;
pub mod rows;
pub mod still;
