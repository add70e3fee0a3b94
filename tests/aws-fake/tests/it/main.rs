//! The endpoint, used by the AWS SDK for Rust.

#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod costs;
mod services;
mod support;
