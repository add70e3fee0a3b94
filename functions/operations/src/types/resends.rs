//! Resends of parked feedback, as the API has them.

use crate::types::jobs::Plan;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Which parked feedback to send once more: what fits everything that is named.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewResend {
    /// Absent for every tenant.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// The code that its last try ended with, such as feedback_refused or gave_up.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// A part of what its last try said.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub(crate) cause: Option<String>,
    /// Parked since then; ever when absent.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    /// Parked before then; now when absent, and no later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) to: Option<OffsetDateTime>,
    /// Feedback per second; 10 unless told.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

/// What a resend would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResendPlan {
    #[serde(flatten)]
    pub(crate) plan: Plan,
    /// Why they were parked, the most frequent first; 20 at most.
    pub(crate) causes: Vec<Cause>,
}

/// Why feedback was parked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cause {
    /// A reason's code.
    pub(crate) reason: String,
    /// What the last try said.
    pub(crate) cause: String,
    pub(crate) count: u64,
}
