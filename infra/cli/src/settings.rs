//! The settings document: read, edited in place, written.

mod client;
pub mod edit;
mod learnt;
pub mod lists;
mod store;
mod text;

pub use client::set_client;
pub use learnt::learn;
pub use store::{Documents, SecretsManager, Version, changed_meanwhile};
