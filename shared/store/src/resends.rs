//! Finds parked feedback by its mark, so that all of it can be sent again.

use crate::attention::FEEDBACK_PARKED;
use crate::attributes::time_text;
use crate::error::StoreError;
use crate::item::Items;
use crate::pending::Mark;
use crate::records::{Position, Record};
use crate::table::Table;
use webhooks_model::work::ParkedFeedback;

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
