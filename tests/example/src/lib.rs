#![doc = include_str!("../README.md")]

mod credit_limit;
mod warehouse;

pub use credit_limit::CreditLimit;
pub use warehouse::outcome;
