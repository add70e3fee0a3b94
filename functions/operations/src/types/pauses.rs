//! Requests and responses about pauses.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::{Pause, from_objects};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewPause {
    /// The tenant to pause. Without it, all tenants are paused.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// A pattern over `{entity}.{kind}`, such as `sales_order.*`; `*` for everything.
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z_.*]+$")]
    pub(crate) events: String,
    /// Allow a tenant that has not sent a notification in the last 90 days.
    #[serde(default)]
    pub(crate) new_tenant: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
    /// When it ends automatically, at most 30 days ahead. Without it, a person must end it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) until: Option<OffsetDateTime>,
}

from_objects!(NewPause);

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pauses {
    pub(crate) items: Vec<PauseView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PauseView {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    events: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    by: String,
    note: String,
    /// When the pause ends automatically. Absent if it lasts until a person ends it.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

impl From<Pause> for PauseView {
    fn from(Pause { tenant, events, since, by, note, until }: Pause) -> Self {
        Self { tenant, events, since, by, note, until }
    }
}
