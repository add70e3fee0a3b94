//! What a notification's item says without an attribute for it: a write unit is 1 KB, and the usual item is to fit.

use crate::attributes::{Item, string, text};
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_model::feedback::Address;
use webhooks_model::{Notification, NotificationKey, SenderId};

/// Its place in the feed: when it was received, and what tells it from others of that moment.
pub(crate) fn feed_at(received: &str, key: &NotificationKey) -> String {
    format!("{received}#{}", key.brief())
}

/// When it was received: its place in the feed begins with that.
pub(crate) fn received_at(item: &Item) -> Option<OffsetDateTime> {
    let (time, _) = text(item, "feed_at")?.split_once('#')?;
    OffsetDateTime::parse(time, &Rfc3339).ok()
}

/// What is written of the header's id: nothing where it is the key's, which it is as a rule, and an empty text where there is none.
pub(crate) fn header_id(n: &Notification) -> Option<String> {
    let id = n.id_in_header.as_ref().map(SenderId::as_str).unwrap_or_default();
    (id != n.key.id()).then(|| id.to_owned())
}

pub(crate) fn id_in_header(key: &NotificationKey, item: &Item) -> Option<SenderId> {
    SenderId::new(text(item, "header_id").unwrap_or(key.id()))
}

/// What is written of the ids to answer under: nothing where they are the usual ones, nor where there is to be no answer.
pub(crate) fn feedback_ids(n: &Notification, address: &Address) -> Option<AttributeValue> {
    let is_usual = address.ids.is_empty() || address.ids == Address::of(n, false).ids;
    (!is_usual).then(|| AttributeValue::L(address.ids.iter().map(|id| string(id.to_string())).collect()))
}

/// The ids to answer under: the key's, then the header's where that is another, unless others were written.
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

/// What is written of the id that Visma Net took: nothing where it is the key's.
pub(crate) fn feedback_id(key: &NotificationKey, id: Uuid) -> Option<String> {
    Some(id.to_string()).filter(|id| id != key.id())
}
