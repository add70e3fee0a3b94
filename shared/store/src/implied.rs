//! Facts that a notification's item implies without an attribute, so that the usual item fits in a
//! write unit of 1 KB.

use crate::attributes::{Item, Update, string, text, time_text};
use crate::keys::feed_day;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_model::feedback::Address;
use webhooks_model::{Notification, NotificationKey, SenderId};

/// Sets its place in the feed: the time of receipt, and the key to tell it from others of that moment.
pub(crate) fn placed(update: Update, n: &Notification) -> Update {
    let day = feed_day(&n.ledger_key().entity.tenant, n.received_at);
    let place = format!("{}#{}", time_text(n.received_at), n.key.brief());
    update.set("feed", string(day)).set("feed_at", string(place))
}

/// The time of receipt, which is the beginning of its place in the feed.
pub(crate) fn received_at(item: &Item) -> Option<OffsetDateTime> {
    let (time, _) = text(item, "feed_at")?.split_once('#')?;
    OffsetDateTime::parse(time, &Rfc3339).ok()
}

/// What to write about the header's id: nothing if it is the key's, which is the usual case, and an
/// empty text if there is none.
pub(crate) fn header_id(n: &Notification) -> Option<String> {
    let id = n.id_in_header.as_ref().map(SenderId::as_str).unwrap_or_default();
    (id != n.key.id()).then(|| id.to_owned())
}

pub(crate) fn id_in_header(key: &NotificationKey, item: &Item) -> Option<SenderId> {
    SenderId::new(text(item, "header_id").unwrap_or(key.id()))
}

/// What to write about the ids to answer under: nothing if they are the usual ones, or if there is
/// no answer.
pub(crate) fn feedback_ids(n: &Notification, address: &Address) -> Option<AttributeValue> {
    let is_usual = address.ids.is_empty() || address.ids == Address::of(n, false).ids;
    (!is_usual).then(|| AttributeValue::L(address.ids.iter().map(|id| string(id.to_string())).collect()))
}

/// The ids to answer under: those that were written, or else the key's, and then the header's if it
/// differs.
pub(crate) fn ids_of(key: &NotificationKey, item: &Item) -> Vec<Uuid> {
    match item.get("feedback_ids").and_then(|ids| ids.as_l().ok()) {
        Some(ids) => ids.iter().filter_map(|id| Uuid::try_parse(id.as_s().ok()?).ok()).collect(),
        None => {
            let in_header = id_in_header(key, item).as_ref().and_then(SenderId::uuid);
            let mut ids: Vec<Uuid> = [Uuid::try_parse(key.id()).ok(), in_header].into_iter().flatten().collect();
            ids.dedup();
            ids
        }
    }
}

/// What to write about the id that Visma Net accepted: nothing if it is the key's.
pub(crate) fn feedback_id(key: &NotificationKey, id: Uuid) -> Option<String> {
    Some(id.to_string()).filter(|id| id != key.id())
}
