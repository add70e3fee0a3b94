//! The shapes of the audit.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_model::audit::AuditRecord;

/// One deed of an operator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItem {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Who, as the authoriser named them. `reconciler` where a pause has ended by itself.
    by: String,
    /// The role that the deed asks for.
    role: String,
    /// replay, hold, release, resend_feedback, outcome, acknowledge, unacknowledge, pause, resume,
    /// begin_job, cancel_job, resume_job, redrive, erase, end_erasure or read_raw.
    deed: String,
    /// Absent when it concerns no tenant or all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// notification, pause, job, dead_letters or tenant.
    kind: String,
    /// The notification's key, the pause's pattern, the job's id, the queue, the tenant.
    name: String,
    /// done, or the code of the problem that was answered. Absent while it goes on, and when its end could not be written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItems {
    pub(crate) items: Vec<AuditItem>,
    /// The cursor of what follows. Absent at the end; a page may be short, even empty, and the list still go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl From<AuditRecord> for AuditItem {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, at, by, role, deed, on, result } = record;
        Self {
            id,
            at,
            by,
            role,
            deed,
            tenant: on.tenant,
            kind: on.kind,
            name: on.name,
            result: result.map(|result| result.code),
        }
    }
}
