//! The stand-in over HTTP, each test with a server of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "it is the world outside, with a clock and ids of its own")]

mod dispatcher;
mod erp;
mod program;
mod sales_order;
mod support;
mod window;
