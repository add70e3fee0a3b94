//! Items of one delivery with the same id of Visma Net, which get one answer. One of them may wait in
//! the ledger when the others have ended. Then its record names them, so that the attempt that ends
//! it can decide the answer.

use crate::answers::with_verdict;
use crate::attributes::{Item, Update, in_state, is_one_of, string, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, sort_key};
use crate::marks::queued;
use crate::moved::place;
use crate::seen::TOGETHER;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::LedgerKey;
use webhooks_model::feedback::{FeedbackState, Verdict};

impl<I: Items> Table<I> {
    /// Lets the record name `all`. `false` if the notification has ended or is not recorded.
    pub async fn wait_together(&self, key: &LedgerKey, all: &[LedgerKey]) -> Result<bool, StoreError> {
        let mut update = Update::default().set(TOGETHER, AttributeValue::L(all.iter().map(place).collect()));
        let condition = in_state(&mut update, |state| !state.is_end());
        self.update(&partition(&key.entity), &sort_key(key), update, Some(condition)).await
    }

    /// Decides the answer of all. `false` if it is not awaited any more, or an integrator's outcome is.
    /// Its mark says that it is on its way, in case the message is lost.
    pub async fn decide_together(
        &self,
        key: &LedgerKey,
        verdict: &Verdict,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let update = with_verdict(Update::default(), FeedbackState::Queued, verdict);
        let mut update = queued(update, now).set("feedback_at", string(time_text(now)));
        let awaited = is_one_of(&mut update, "feedback", &[FeedbackState::Awaited.as_str()]);
        let condition = format!("{awaited} AND attribute_exists({})", update.name("feedback_success"));
        self.update(&partition(&key.entity), &sort_key(key), update, Some(condition)).await
    }

    /// The items that the record names. None if no answer waited for it.
    pub async fn waits_with(&self, key: &LedgerKey) -> Result<Vec<LedgerKey>, StoreError> {
        let item = self.items.get(&partition(&key.entity), &sort_key(key)).await?;
        Ok(item.as_ref().map(read).unwrap_or_default())
    }
}

fn read(item: &Item) -> Vec<LedgerKey> {
    let all = item.get(TOGETHER).and_then(|all| all.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(|one| serde_json::from_str(one.as_s().ok()?).ok()).collect()
}
