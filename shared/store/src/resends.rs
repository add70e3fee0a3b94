//! Feedback that Visma Net did not take, found by its mark so that all of it can be sent once more.

use crate::attention::FEEDBACK_PARKED;
use crate::attributes::time_text;
use crate::error::StoreError;
use crate::item::Items;
use crate::pending::Mark;
use crate::records::{Position, Record, Records};
use crate::table::Table;
use webhooks_model::work::ParkedFeedback;

/// Each looks at no more than `most` behind `position`, the newest first, and gives those that the
/// filter means, and where to go on; `None` at the end.
pub trait Resends: Send + Sync {
    /// What was parked in the filter's time.
    fn parked(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> impl Future<Output = Result<(Vec<Record>, Option<String>), StoreError>> + Send;

    /// What has been on its way since a time of the filter's, for example once more.
    fn on_its_way(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> impl Future<Output = Result<(Vec<Record>, Option<String>), StoreError>> + Send;
}

impl<I: Items> Resends for Table<I> {
    async fn parked(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        self.meant(FEEDBACK_PARKED, filter, position, most).await
    }

    async fn on_its_way(
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
        let unread = |_| StoreError::Mismatch("a job's position is no place among what is marked".into());
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
