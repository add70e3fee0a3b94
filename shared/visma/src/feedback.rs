//! The way back to Visma Net.

use serde::Serialize;
use uuid::Uuid;

/// How a notification ended, as Visma Net takes it (docs/visma-net.md#notification-feedback). It
/// has no `Debug`, since the description is not for logs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback<'a> {
    pub notification_id: Uuid,
    /// The notification's own source, or else the application's name.
    pub source: &'a str,
    pub description: &'a str,
    pub is_success: bool,
}
