//! Requests and responses about resends of parked feedback.

use crate::types::jobs::Plan;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::from_objects;

/// Selects the parked feedback to send again. All given conditions must match.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewResend {
    /// Without it, feedback of all tenants is selected.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// The reason's code of the last attempt, such as feedback_refused or gave_up.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// A part of the error of the last attempt.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub(crate) cause: Option<String>,
    /// Selects feedback parked at this time or later. Without it, there is no lower limit.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    /// Selects feedback parked before this time. Default and latest value: now.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) to: Option<OffsetDateTime>,
    /// Feedback messages per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewResend);

/// What a resend would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResendPlan {
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// Why the feedback was parked: at most 20 causes, the most frequent first.
    pub(crate) causes: Vec<Cause>,
}

/// A cause for parked feedback, and how often it occurs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cause {
    /// A reason's code.
    pub(crate) reason: String,
    /// The error of the last attempt.
    pub(crate) cause: String,
    pub(crate) count: u64,
}
