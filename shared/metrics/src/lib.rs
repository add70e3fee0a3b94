#![doc = include_str!("../README.md")]

mod contract;
mod emitted;
mod recorder;

pub use contract::{DEFINITIONS, Definition, Metric, NAMESPACE, SERVICE, Service, Unit};
pub use emitted::Emitted;
pub use recorder::Metrics;
