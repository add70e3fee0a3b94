//! What each notification costs, held against the budget, and what it may do.

// The futures of all functions are nested in one here.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod budgets;
mod goals;
mod pipeline;
mod roles_of_functions;
