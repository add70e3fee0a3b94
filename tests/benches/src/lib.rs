#![doc = include_str!("../README.md")]
// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]

pub mod assumptions;
pub mod batching;
pub mod bill;
pub mod bodies;
pub mod budget;
pub mod count;
pub mod cpu;
pub mod functions;
pub mod gateway;
pub mod growth;
mod invocation;
pub mod logs;
pub mod measure;
pub mod pipeline;
pub mod report;
pub mod rows;
pub mod scenario;
pub mod still;
pub mod table;
