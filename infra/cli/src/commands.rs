//! One module for each command.

pub mod check;
pub mod deploy_check;
pub mod dlq;
pub mod doctor;
pub mod forward;
pub mod operations;
pub mod send;
pub mod settings;
pub mod subscriptions;
