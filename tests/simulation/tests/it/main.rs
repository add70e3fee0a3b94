#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod planted;
mod schedules;
mod table;
