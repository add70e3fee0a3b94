//! What a person is asked to look at, and what somebody has looked at. The `attention` index has a
//! list of each kind, and one of what was acknowledged of it. A mark is written whole, so whatever
//! marks a notification again brings it back.

use crate::attributes::{Item, text};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The mark of a feedback that Visma Net does not take.
pub(crate) const FEEDBACK_PARKED: &str = "feedback_parked";
/// What is paused is not among them: it goes on by itself.
const KINDS: [&str; 4] = ["dead", "parked", "unparseable", FEEDBACK_PARKED];
const ACKNOWLEDGED: &str = "acknowledged#";
/// When one of them moves on, there is something new to see.
pub(crate) const CHANGES: [&str; 4] = ["attention_at", "updated_at", "ended_at", "feedback_at"];

/// That a person is asked to look at a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    pub kind: &'static str,
    /// The last change of it or of its feedback.
    pub changed_at: OffsetDateTime,
    /// Somebody has looked at that change.
    pub is_acknowledged: bool,
}

/// The mark of what was acknowledged of a kind.
#[must_use]
pub fn acknowledged(kind: &str) -> String {
    format!("{ACKNOWLEDGED}{kind}")
}

/// The mark as it was before somebody acknowledged it.
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
