//! Notifications that need attention, and acknowledged ones. The `attention` index has a list for
//! each kind, and one for the acknowledged notifications of that kind. Each write sets the whole
//! mark, so the next mark replaces an acknowledgement.

use crate::attributes::{Item, text};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The mark of feedback that Visma Net refuses.
pub(crate) const FEEDBACK_PARKED: &str = "feedback_parked";
/// The kinds of attention. Paused notifications are not among them, since they continue
/// automatically.
const KINDS: [&str; 4] = ["dead", "parked", "unparseable", FEEDBACK_PARKED];
const ACKNOWLEDGED: &str = "acknowledged#";
/// The attribute with the last acknowledgement, which the list of actions may have lost.
pub(crate) const ACKNOWLEDGEMENT: &str = "acknowledgement";
/// Times that change when there is something new to see.
pub(crate) const CHANGES: [&str; 4] = ["attention_at", "updated_at", "ended_at", "feedback_at"];

/// The state of a notification that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    pub kind: &'static str,
    /// The last change of the notification or of its feedback.
    pub changed_at: OffsetDateTime,
    /// Whether an operator has acknowledged that change.
    pub is_acknowledged: bool,
}

/// The mark of acknowledged notifications of a kind.
#[must_use]
pub fn acknowledged(kind: &str) -> String {
    format!("{ACKNOWLEDGED}{kind}")
}

/// The mark before it was acknowledged.
pub(crate) fn unacknowledged(mark: &str) -> &str {
    mark.strip_prefix(ACKNOWLEDGED).unwrap_or(mark)
}

pub(crate) fn attention(item: &Item) -> Option<Attention> {
    let mark = text(item, "attention")?;
    let own = unacknowledged(mark);
    let kind = KINDS.into_iter().find(|kind| *kind == own)?;
    let times = CHANGES.into_iter().filter_map(|name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok());
    Some(Attention { kind, changed_at: times.max()?, is_acknowledged: own != mark })
}
