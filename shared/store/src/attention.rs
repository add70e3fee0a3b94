//! Notifications that need attention, and acknowledged ones. The `attention` index has a list for
//! each kind, and one for the acknowledged notifications of that kind. Each write sets the whole
//! mark, so the next mark replaces an acknowledgement. Parked feedback is found by its mark, so
//! that all of it can be sent again.

use crate::attributes::{Item, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::pending::Mark;
use crate::records::{Position, Record};
use crate::table::Table;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::work::ParkedFeedback;

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

/// Each operation reads at most `most` entries after `position`, newest first. It returns those
/// that match the filter, and the position of the next page, which is `None` at the end.
impl<I: Items> Table<I> {
    /// Feedback that was parked in the filter's range.
    pub async fn parked(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        self.meant(FEEDBACK_PARKED, filter, position, most).await
    }

    /// Feedback that was put on its way in the filter's range, for example by a resend.
    pub async fn on_its_way(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        self.meant(Mark::Queued.as_str(), filter, position, most).await
    }
}

impl<I: Items> Table<I> {
    async fn meant(
        &self,
        mark: &str,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        let unread = |_| StoreError::Mismatch("a job's position is not a place in the list".into());
        let after: Option<Position> = position.map(serde_json::from_str).transpose().map_err(unread)?;
        let mut page = self.marked(mark, after.as_ref(), most).await?;
        let (from, to) = (filter.from.map(time_text), time_text(filter.to));
        let is_since = |at: &str| from.as_deref().is_none_or(|from| at >= from);
        page.records.retain(|record| {
            let (reason, cause) = record.refusal();
            let at = record.position.at.as_str();
            is_since(at) && at < to.as_str() && filter.fits(&record.key.entity.tenant, reason, cause)
        });
        let next = page.next.filter(|next| is_since(&next.at));
        let position = next.map(|next| serde_json::to_string(&next).expect("texts always serialise"));
        Ok((page.records, position))
    }
}
