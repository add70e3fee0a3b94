#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod account;
mod arn;
mod call;
mod condition;
mod judge;
mod list;
mod page;
mod pattern;
mod policy;

pub use account::Account;
pub use call::requests;
pub use judge::{Grant, Judge};
pub use list::{Calls, List, listed};
pub use page::page;
pub use policy::{Decision, Effect, Request, Statement, decide};
