#![doc = include_str!("../README.md")]

mod base_url;
mod cache;
mod document;
mod invalid;
mod reconciliation;
mod route;
mod secret;
mod secrets_manager;
mod subscription;
mod time_zone;

pub use cache::{Cache, LoadError, Source};
pub use document::{FeedbackId, Settings, SourceIpPolicy, SourceIps, Tenant, Visma};
pub use invalid::{Code, Invalid};
pub use reconciliation::Reconciliation;
pub use route::Route;
pub use secret::Secret;
pub use secrets_manager::SecretsManager;
pub use subscription::{SigningSecret, Subscription};
pub use time_zone::TimeZone;
