//! What a search found, as the API has it.

use super::Notification;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// What fits, newest first, and how far back it was looked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    pub(crate) items: Vec<Hit>,
    /// Whatever was received since then was looked at, of every tenant.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) searched_to: OffsetDateTime,
    /// Where the search ends.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    /// How many tenants are searched.
    pub(crate) tenants: usize,
    /// The cursor of what follows, which was received before. Absent at the end; a page may be short, even empty, and the search still go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A notification that fits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    #[serde(flatten)]
    pub(crate) notification: Notification,
    /// What fits: ref, event_id, notification_id, delivery, number, or trace. Of a trace only the time is known: it is all that was received
    /// when the trace began.
    pub(crate) matched: &'static str,
}
