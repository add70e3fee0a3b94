//! Compares the cost of a notification with its budget, and its calls with the roles. Also runs the
//! pipeline under other rules of the sender.

// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod budgets;
mod dialects;
mod pipeline;
