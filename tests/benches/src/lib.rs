#![doc = include_str!("../README.md")]
// The futures of all functions are nested in one here.
#![recursion_limit = "256"]

pub mod assumptions;
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
pub mod together;
