#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod error;
mod exchange;
mod http;
mod list;
mod rate;
mod token;

pub use client::VismaClient;
pub use error::{Fault, Stage, VismaError};
pub use exchange::{Answer, Body, Exchange, Request};
pub use http::HttpClient;
pub use rate::{Quota, Quotas};

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::collection::Page;
use webhooks_model::walk::Window;
use webhooks_model::{Collection, Resource, ResourcePath};
use webhooks_settings as settings;

/// The ERP as the functions need it.
pub trait Visma: Send + Sync {
    /// The current state of a resource (docs/visma-net.md#resources).
    ///
    /// # Errors
    /// [`VismaError::next`] says what to do.
    fn fetch(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        path: &ResourcePath,
    ) -> impl Future<Output = Result<Fetched, VismaError>> + Send;

    /// Tells Visma Net how a notification ended (docs/visma-net.md#notification-feedback).
    ///
    /// # Errors
    /// [`VismaError::Refused`] if another id may work; otherwise [`VismaError::next`] says what to
    /// do.
    fn send_feedback(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        feedback: &Feedback<'_>,
    ) -> impl Future<Output = Result<(), VismaError>> + Send;
}

/// How a notification ended, in Visma Net's form (docs/visma-net.md#notification-feedback). It has
/// no `Debug`, since the description must not be logged.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback<'a> {
    pub notification_id: Uuid,
    /// The notification's own source, or the application's name.
    pub source: &'a str,
    pub description: &'a str,
    pub is_success: bool,
}

/// The ERP's lists, as the reconciler needs them.
pub trait Listing: Send + Sync {
    /// A page of what changed after `since`. Accounts are not paged, so theirs holds all changes.
    ///
    /// # Errors
    /// [`VismaError::next`] says what to do.
    fn list(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        collection: Collection,
        since: OffsetDateTime,
        window: Window,
    ) -> impl Future<Output = Result<Page, VismaError>> + Send;
}

#[derive(Debug, Clone)]
pub enum Fetched {
    Found(Resource),
    /// It does not exist, was deleted, or is not ours to see. The ERP does not tell these apart
    /// (docs/visma-net.md#lists).
    Gone,
}
