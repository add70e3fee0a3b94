#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod account;
mod call;
mod judge;
mod page;
mod policy;

pub use account::Account;
pub use call::requests;
pub use judge::{Calls, Grant, Judge, List, listed};
pub use page::page;
pub use policy::{Decision, Effect, Request, Statement, decide};
