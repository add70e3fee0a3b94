//! The audit: what operators did.

use time::OffsetDateTime;
use uuid::Uuid;

/// One action. It is recorded before it starts; its result is added when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    pub id: Uuid,
    pub at: OffsetDateTime,
    /// The operator, as named by the authoriser; `reconciler` if a pause ended by itself.
    pub by: String,
    /// The role that the action requires.
    pub role: String,
    /// The action: `replay`, `pause`, `read_raw`...
    pub deed: String,
    pub on: Target,
    /// `None` if the process ended before it could write the result.
    pub result: Option<AuditResult>,
}

/// The object of an action. It has names and ids only. A notification is named by its key, since an
/// entity's number may identify a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `None` if the action concerns no tenant or all of them.
    pub tenant: Option<String>,
    /// `notification`, `pause`, `job`, `dead_letters`, `tenant`.
    pub kind: String,
    /// The notification's key, the pause's pattern, the job's id, the queue.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditResult {
    pub at: OffsetDateTime,
    /// `done`, or the code of the problem in the answer.
    pub code: String,
}
