//! The settings document: read, edited in place, written.

pub mod edit;
mod store;
mod text;

pub use store::{Documents, SecretsManager, Version, changed_meanwhile};
