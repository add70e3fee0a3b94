//! What an operator did, for those who look after the operators.

use time::OffsetDateTime;
use uuid::Uuid;

/// One deed. Written down before it is done; how it went is added when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    pub id: Uuid,
    pub at: OffsetDateTime,
    /// The subject that the authoriser named, or `reconciler` where a pause has ended by itself.
    pub by: String,
    /// The role that the deed asks for.
    pub role: String,
    /// What was done: `replay`, `pause`, `read_raw`...
    pub deed: String,
    pub on: Target,
    /// `None` when whoever did it did not live to tell.
    pub result: Option<AuditResult>,
}

/// On what. Names and ids only: an entity's number may be a person's, so a notification is named by its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `None` when it concerns no tenant or all of them.
    pub tenant: Option<String>,
    /// `notification`, `pause`, `job`, `dead_letters`, `tenant`.
    pub kind: String,
    /// The notification's key, the pause's pattern, the job's id, the queue.
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditResult {
    pub at: OffsetDateTime,
    /// `done`, or the code of the problem that was answered.
    pub code: String,
}
