use fixtures::TestHost;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::delivery::Meta;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Delivery, EntityId, HeadChange, Notification, Origin, Revision, Ticks, Versions};

pub(crate) use fixtures::{TENANT, TestTable as Fixture};
pub(crate) const NOW: OffsetDateTime = TestHost::START;

/// A notification of `body`, received under `header_id`.
pub(crate) fn notification(body: &str, header_id: u128) -> Notification {
    let headers =
        [("x-vwd-tenant-id", TENANT.to_owned()), ("x-vwd-notification-id", Uuid::from_u128(header_id).to_string())];
    let meta = Meta {
        id: Uuid::nil(),
        channel: Channel::Dispatcher,
        origin: Origin::Webhook,
        subscription: "s".into(),
        event: None,
        tenant: None,
        replays: None,
        received_at: NOW,
        sent_from: None,
        refused_at: None,
        secret: None,
        shared_secret: false,
        answer_role: Default::default(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
    };
    let delivery = Delivery { meta, body: body.as_bytes().to_vec() };
    Notification::read(&delivery, body, &NoDirectory)
}

pub(crate) fn order(header_id: u128) -> Notification {
    notification(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1"}"#, header_id)
}

pub(crate) fn at(seconds: i64) -> Option<Ticks> {
    Ticks::from_epoch(1_700_000_000 + seconds)
}

/// A change of sales order SO/1 with a body time of `seconds`.
pub(crate) fn change(id: u128, seconds: i64) -> HeadChange {
    let key = order(id).ledger_key();
    HeadChange {
        entity: key.entity,
        notification: key.notification,
        versions: Versions { body: at(seconds), ..Versions::default() },
        strictly_newer: false,
        status: None,
        milestone: None,
        deleted: false,
        gone: false,
        detail: None,
        internal_id: None,
        previous_key: None,
        revision: Revision::default(),
        was_swept: false,
    }
}

pub(crate) fn with_status(id: u128, seconds: i64, status: &str) -> HeadChange {
    let milestone = at(seconds).map(|at| (at, status.to_owned()));
    HeadChange { status: Some(status.to_owned()), milestone, ..change(id, seconds) }
}

pub(crate) fn account(number: &str) -> EntityId {
    EntityId { tenant: TENANT.into(), entity: webhooks_model::Entity::Account, key: number.into() }
}
