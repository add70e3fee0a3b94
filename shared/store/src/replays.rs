//! Reads a recorded notification, so that it can be given to the processor again.

use crate::attributes::{Item, integer, text};
use crate::error::StoreError;
use crate::implied::{id_in_header, received_at};
use crate::item::Items;
use crate::keys::{partition, raw_part, sort_key};
use crate::table::Table;
use uuid::Uuid;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::notification::Proof;
use webhooks_model::replay::Recorded;
use webhooks_model::{Channel, Delivery, LedgerKey};

impl<I: Items> Table<I> {
    /// A delivery that reads as this notification. `None` if it is not recorded, or its raw item
    /// has expired, or only a newer version can read the record.
    pub async fn replay(&self, key: &LedgerKey) -> Result<Option<Delivery>, StoreError> {
        let Some(item) = self.items.get(&partition(&key.entity), &sort_key(key)).await? else {
            return Ok(None);
        };
        let raw = self.raw(key, &item).await?;
        Ok(raw.and_then(|raw| recorded(key, &item, raw)).map(Recorded::replay))
    }
}

impl<I: Items> Table<I> {
    /// The exact text of a notification's item, with its parts joined.
    pub(crate) async fn raw(&self, key: &LedgerKey, item: &Item) -> Result<Option<String>, StoreError> {
        let Some(parts) = integer(item, "raw_parts") else {
            return Ok(text(item, "raw").map(str::to_owned));
        };
        let mut whole = String::new();
        for part in 0..parts {
            let item = self.items.get(&partition(&key.entity), &raw_part(key, part)).await?;
            let Some(raw) = item.as_ref().and_then(|item| text(item, "raw")) else {
                return Ok(None);
            };
            whole.push_str(raw);
        }
        Ok(Some(whole))
    }
}

fn recorded(key: &LedgerKey, item: &Item, raw: String) -> Option<Recorded> {
    Some(Recorded {
        key: key.clone(),
        answer: text(item, "answer_role").map_or(Some(AnswerRole::Own), AnswerRole::parse)?,
        delivery: Uuid::try_parse(text(item, "delivery")?).ok()?,
        id_in_header: id_in_header(&key.notification, item),
        channel: Channel::parse(text(item, "channel")?)?,
        subscription: text(item, "subscription")?.to_owned(),
        event: text(item, "event").unwrap_or_default().to_owned(),
        proof: text(item, "proof").and_then(Proof::parse)?,
        received_at: received_at(item)?,
        raw,
    })
}
