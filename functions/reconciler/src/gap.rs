//! Makes a delivery for a change whose webhook never arrived.

use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::collection::Listed;
use webhooks_model::delivery::{Meta, RECONCILIATION};
use webhooks_model::{Channel, Collection, Delivery, Origin};

/// Uses only what the list said, so that finding the same change twice makes the same notification.
pub(crate) fn delivery(tenant: &str, collection: Collection, gap: &Listed, id: Uuid, now: OffsetDateTime) -> Delivery {
    let body = json!({"event": collection.event(), "entityId": gap.key, "timeStamp": gap.modified.at().get()});
    let meta = Meta {
        id,
        channel: Channel::Dispatcher,
        origin: Origin::Reconciliation,
        subscription: RECONCILIATION.to_owned(),
        event: Some(collection.event().to_owned()),
        tenant: Some(tenant.to_lowercase()),
        replays: None,
        received_at: now,
        sent_from: None,
        refused_at: None,
        secret: None,
        shared_secret: false,
        answer_role: Default::default(),
        headers: BTreeMap::new(),
    };
    Delivery { meta, body: body.to_string().into_bytes() }
}
