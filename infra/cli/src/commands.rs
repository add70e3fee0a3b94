//! The commands: a module for each, or for a few that belong together.

pub mod check;
pub mod deploy_check;
pub mod dlq;
pub mod doctor;
pub mod forward;
pub mod operations;
pub mod send;
pub mod settings;
pub mod subscriptions;
