//! Responses of the search.

use super::Notification;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// The matching notifications, newest first, and how far back the search went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    pub(crate) items: Vec<Hit>,
    /// All notifications received at this time or later have been searched.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) searched_to: OffsetDateTime,
    /// The earliest time of receipt that the search covers.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) from: OffsetDateTime,
    /// Number of tenants searched.
    pub(crate) tenants: usize,
    /// The cursor of the next page, with earlier notifications. Absent at the end of the search. A
    /// page may be short or empty although the search continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// A notification that matches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    #[serde(flatten)]
    pub(crate) notification: Notification,
    /// The part that matches: ref, event_id, notification_id, delivery, number or trace. For a
    /// trace only the time is known, so all notifications received when it began match.
    pub(crate) matched: &'static str,
}
