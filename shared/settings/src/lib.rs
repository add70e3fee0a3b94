#![doc = include_str!("../README.md")]

mod cache;
mod document;
mod invalid;
mod reconciliation;
mod route;
mod subscription;
mod values;

pub use cache::{Cache, LoadError, SecretsManager, Source};
pub use document::{FeedbackId, Settings, SourceIpPolicy, SourceIps, Tenant, Visma};
pub use invalid::{Code, Invalid};
pub use reconciliation::Reconciliation;
pub use route::Route;
pub use subscription::{SigningSecret, Subscription};
pub use values::{Secret, TimeZone};
