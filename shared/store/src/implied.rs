//! What a notification's item says without an attribute for it: a write unit is 1 KB, and the usual item is to fit.

use crate::attributes::{Item, string, text};
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_model::feedback::Address;
use webhooks_model::{Notification, NotificationKey};

/// When it was received: its place in the feed begins with that.
pub(crate) fn received_at(item: &Item) -> Option<OffsetDateTime> {
    let (time, _) = text(item, "feed_at")?.split_once('#')?;
    OffsetDateTime::parse(time, &Rfc3339).ok()
}

/// What is written of the header's id: nothing where it is the key's, which it is as a rule, and an empty text where there is none.
pub(crate) fn header_id(n: &Notification) -> Option<String> {
    let id = n.id_in_header.map(|id| id.to_string()).unwrap_or_default();
    (id != n.key.id()).then_some(id)
}

/// What is written of the ids to answer under: nothing where they are the usual ones, nor where there is to be no answer.
pub(crate) fn feedback_ids(n: &Notification, address: &Address) -> Option<AttributeValue> {
    let is_usual = address.ids.is_empty() || address.ids == usual_ids(&n.key, header_id(n).as_deref());
    (!is_usual).then(|| AttributeValue::L(address.ids.iter().map(|id| string(id.to_string())).collect()))
}

/// The ids to answer under.
pub(crate) fn ids_of(key: &NotificationKey, item: &Item) -> Vec<Uuid> {
    match item.get("feedback_ids").and_then(|ids| ids.as_l().ok()) {
        Some(ids) => ids.iter().filter_map(|id| Uuid::try_parse(id.as_s().ok()?).ok()).collect(),
        None => usual_ids(key, text(item, "header_id")),
    }
}

/// The key's, then the header's where that is another.
fn usual_ids(key: &NotificationKey, header_id: Option<&str>) -> Vec<Uuid> {
    [Some(key.id()), header_id].into_iter().flatten().filter_map(|id| Uuid::try_parse(id).ok()).collect()
}
