//! Moves a notification that the settings now read under another key: the old record is closed and
//! names the new key.

use crate::attributes::{Item, Update, in_state, string, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, sort_key};
use crate::marks::AtEnd;
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
    /// under `new`. May be repeated. Only its feedback goes on, with the mark because of it. So the
    /// parts of its raw item get their expiry here. If the function dies before that, the next attempt
    /// to close it does it.
    pub async fn moved(&self, old: &LedgerKey, new: &LedgerKey, now: OffsetDateTime) -> Result<(), StoreError> {
        let (pk, sk) = (partition(&old.entity), sort_key(old));
        let tenant = old.entity.tenant.as_str();
        let write = |case| closing(case, new, tenant, (now, self.ttl(now)));
        let case_of = |item: &Item| {
            let is_closed = item.get(MOVED_TO) == Some(&place(new));
            let is_open = || text(item, "state").and_then(State::parse).is_some_and(may_close);
            if is_closed { Some(None) } else { is_open().then(|| Some(AtEnd::of(item, tenant, false))) }
        };
        if self.write_case((&pk, &sk), Some(AtEnd::Free), write, case_of).await?
            && let Some(item) = self.items.get(&pk, &sk).await?
        {
            self.let_parts_go(old, parts_in(&item), now).await?;
        }
        Ok(())
    }
}

fn may_close(state: State) -> bool {
    state.may_become(State::Superseded)
}

/// `None` stands for a record that is closed already.
fn closing(
    case: Option<AtEnd>,
    new: &LedgerKey,
    tenant: &str,
    (now, expires_at): (OffsetDateTime, AttributeValue),
) -> (Update, String) {
    let update = Update::default().set("expires_at", expires_at);
    let Some(case) = case else {
        let mut update = update;
        let (moved_to, goes_on) = (update.name(MOVED_TO), update.value(place(new)));
        return (update, format!("{moved_to} = {goes_on}"));
    };
    let update = update
        .set("state", string(State::Superseded.as_str()))
        .set(MOVED_TO, place(new))
        .set_if_absent("ended_at", string(time_text(now)))
        .remove("updated_at")
        .remove("reason");
    let mut update = case.change(update, now);
    let own = case.condition(&mut update, tenant);
    let condition = format!("{own} AND {}", in_state(&mut update, may_close));
    (update, condition)
}
