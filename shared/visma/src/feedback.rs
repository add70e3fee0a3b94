//! The feedback that Visma Net accepts.

use serde::Serialize;
use uuid::Uuid;

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
