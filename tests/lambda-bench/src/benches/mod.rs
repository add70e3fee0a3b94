//! The benches.

pub mod cold_start;
pub mod pipeline;
pub mod side_by_side;

mod start;
