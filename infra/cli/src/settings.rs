//! The settings document: read, edited in place, written.

pub mod edit;
mod learnt;
pub mod lists;
mod store;
mod text;

pub use learnt::learn;
pub use store::{Documents, SecretsManager, Version, changed_meanwhile};
