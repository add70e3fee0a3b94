//! What each notification costs, held against the budget.

#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

mod budgets;
mod goals;
mod pipeline;
