//! Requests for erasures.

use serde::Deserialize;
use utoipa::ToSchema;
use webhooks_model::from_objects;

/// The tenant whose data to delete.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewErasure {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: String,
    /// The same tenant again, as confirmation.
    pub(crate) confirm: String,
    /// Items per second. Default: 10.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) rate: Option<u32>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
}

from_objects!(NewErasure);
