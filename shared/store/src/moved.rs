//! Moves a notification that the settings now read under another key: the old record is closed and
//! names the new key.

use crate::attributes::{Item, Update, in_state, string, text, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::keys::{partition, sort_key};
use crate::marks::{AtEnd, has_unwatched_feedback, is_unwatched, queued};
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
        let case_of = |item: &Item| Closing::of(item, new, tenant);
        if self.write_case((&pk, &sk), Closing::Open(AtEnd::Free), write, case_of).await?
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// It is closed already.
    Again,
    Open(AtEnd),
    /// It is open, and its decided feedback gets a mark: its place in the feed may have passed.
    Unwatched,
}

impl Closing {
    /// `None` if it has ended.
    fn of(item: &Item, new: &LedgerKey, tenant: &str) -> Option<Self> {
        if item.get(MOVED_TO) == Some(&place(new)) {
            return Some(Self::Again);
        }
        let is_open = text(item, "state").and_then(State::parse).is_some_and(may_close);
        is_open.then(|| match is_unwatched(item, tenant) {
            true => Self::Unwatched,
            false => Self::Open(AtEnd::of(item, tenant, false)),
        })
    }
}

fn closing(
    case: Closing,
    new: &LedgerKey,
    tenant: &str,
    (now, expires_at): (OffsetDateTime, AttributeValue),
) -> (Update, String) {
    let update = Update::default().set("expires_at", expires_at);
    let closed = |update: Update| {
        update
            .set("state", string(State::Superseded.as_str()))
            .set(MOVED_TO, place(new))
            .set_if_absent("ended_at", string(time_text(now)))
            .remove("updated_at")
            .remove("reason")
    };
    let (mut update, own) = match case {
        Closing::Again => {
            let mut update = update;
            let (moved_to, goes_on) = (update.name(MOVED_TO), update.value(place(new)));
            return (update, format!("{moved_to} = {goes_on}"));
        }
        Closing::Open(case) => {
            let mut update = case.change(closed(update), now);
            let own = case.condition(&mut update, tenant);
            let unwatched = has_unwatched_feedback(&mut update, tenant);
            (update, format!("{own} AND NOT {unwatched}"))
        }
        Closing::Unwatched => {
            let mut update = queued(closed(update), now);
            let own = has_unwatched_feedback(&mut update, tenant);
            (update, own)
        }
    };
    let condition = format!("{own} AND {}", in_state(&mut update, may_close));
    (update, condition)
}
