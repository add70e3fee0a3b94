//! Moves a notification that the settings now read under another key: the old record is closed and
//! names the new key.

use crate::attributes::{Item, Update, string, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, sort_key};
use crate::replays::parts_in;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::{LedgerKey, State};

/// Attribute of a closed record: the record that replaces it. Nothing else sets it, and a record
/// with it is not replayed.
pub(crate) const MOVED_TO: &str = "moved_to";
/// Attribute of the new record: the closed one.
pub(crate) const MOVED_FROM: &str = "moved_from";

/// A record's key in the form that another record stores.
pub(crate) fn place(key: &LedgerKey) -> AttributeValue {
    string(serde_json::to_string(key).expect("names and ids always serialise"))
}

pub(crate) fn read_place(item: &Item, name: &str) -> Option<LedgerKey> {
    serde_json::from_str(text(item, name)?).ok()
}

impl<I: Items> Table<I> {
    /// Closes the record under `old`, unless it has ended well, because the notification continues
    /// under `new`. May be repeated. Nothing writes to the record afterwards, so the parts of its
    /// raw item get their expiry here. If the function dies before that, the next attempt to close
    /// it does it.
    pub async fn moved(&self, old: &LedgerKey, new: &LedgerKey, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut update = Update::default()
            .set("state", string(State::Superseded.as_str()))
            .set(MOVED_TO, place(new))
            .set_if_absent("ended_at", string(time_text(now)))
            .set("expires_at", self.ttl(now))
            .remove("updated_at")
            .remove("reason")
            .remove("attention")
            .remove("attention_at");
        let [state, moved_to] = ["state", MOVED_TO].map(|name| update.name(name));
        let open = State::ALL.into_iter().filter(|state| state.may_become(State::Superseded));
        let open: Vec<String> = open.map(|state| update.value(string(state.as_str()))).collect();
        let goes_on = update.value(place(new));
        let condition = format!("{state} IN ({}) OR {moved_to} = {goes_on}", open.join(", "));
        if let Some(before) = self.replace(&partition(&old.entity), &sort_key(old), update, Some(condition)).await? {
            self.let_parts_go(old, parts_in(&before), now).await?;
        }
        Ok(())
    }
}
