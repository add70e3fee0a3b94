//! Responses of the audit log.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_model::audit::AuditRecord;

/// One action of an operator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItem {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The operator, as named by the authoriser; `reconciler` if a pause ended by itself.
    by: String,
    /// The role that the action requires.
    role: String,
    /// replay, hold, release, resend_feedback, outcome, acknowledge, unacknowledge, pause, resume,
    /// begin_job, cancel_job, resume_job, redrive, erase, end_erasure or read_raw.
    deed: String,
    /// Absent if the action concerns no tenant or all tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// notification, pause, job, dead_letters or tenant.
    kind: String,
    /// The notification's key, the pause's pattern, the job's id, the queue or the tenant.
    name: String,
    /// done, or the code of the problem that was returned. Absent while the action runs, and if its
    /// result could not be recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItems {
    pub(crate) items: Vec<AuditItem>,
    /// The cursor of the next page. Absent at the end of the list. A page may be short or empty
    /// although the list continues.
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
