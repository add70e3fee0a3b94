//! What happened to an entity.

use crate::words::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// What happened to the entity (docs/visma-net-events.md).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Kind {
        Action = "action",
        Background = "background",
        Changed = "changed",
        Completed = "completed",
        Created = "created",
        Deleted = "deleted",
        IdentityChanged = "identity_changed",
        /// A step of a voucher through the ledgers. The event's name is the status.
        Lifecycle = "lifecycle",
        StatusChanged = "status_changed",
        Unknown = "unknown",
        Updated = "updated",
        ValueChanged = "value_changed",
    }
}

impl Kind {
    /// Whether the notification only says "look again", so that a newer one replaces it. The other
    /// kinds are occurrences of their own: a creation, a deletion or an action stays true however
    /// late it arrives.
    pub fn is_hint(self) -> bool {
        matches!(self, Self::Changed | Self::Updated | Self::StatusChanged | Self::ValueChanged)
    }

    /// Whether no resource of the ERP can show that it happened. An order, for example, exists
    /// whether or not its action was run.
    pub fn leaves_no_trace(self) -> bool {
        matches!(self, Self::Action | Self::Completed | Self::Lifecycle)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
