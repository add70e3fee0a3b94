//! Notifications that need attention, and their acknowledgement by an operator.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::from_objects;
use webhooks_store::{Deed, Line, Record};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attention {
    /// dead, parked, unparseable or feedback_parked.
    kind: &'static str,
    /// When it or its feedback last changed.
    #[serde(with = "time::serde::rfc3339")]
    changed_at: OffsetDateTime,
    /// Absent until an operator acknowledges that change.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Acknowledged>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Acknowledged {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    note: String,
}

/// An operator's confirmation that they have seen the problem.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct Acknowledgement {
    /// Shown in the notification's timeline.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
    /// When the operator looked, such as `attention.changed_at`. If the notification has changed
    /// since, the request is refused.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) seen_at: Option<OffsetDateTime>,
}

from_objects!(Acknowledgement);

impl Attention {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let own = record.attention.as_ref()?;
        let acknowledge = Deed::Acknowledge { kind: own.kind, changed_at: own.changed_at };
        let is_one = |line: &&Line| line.what == acknowledge.as_str();
        // Records of earlier versions have it only in the list.
        let last = record.acknowledgement.as_ref().or_else(|| record.actions.iter().rfind(is_one));
        let last = last.filter(|_| own.is_acknowledged);
        let acknowledged = last.map(|line| Acknowledged { at: line.at, by: line.by.clone(), note: line.text.clone() });
        Some(Self { kind: own.kind, changed_at: own.changed_at, acknowledged })
    }
}
