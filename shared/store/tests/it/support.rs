use fixtures::{TestHost, head_change, headers, meta, notification_of};
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_model::delivery::Meta;
use webhooks_model::{EntityId, HeadChange, Notification, Ticks, Versions};

pub(crate) use fixtures::{TENANT, TestTable as Fixture};
pub(crate) const NOW: OffsetDateTime = TestHost::START;

/// A notification of `body`, received under `header_id`.
pub(crate) fn notification(body: &str, header_id: u128) -> Notification {
    let id = Uuid::from_u128(header_id).to_string();
    let headers = headers([("x-vwd-tenant-id", TENANT.to_owned()), ("x-vwd-notification-id", id)]);
    notification_of(Meta { headers, ..meta(NOW) }, body)
}

pub(crate) fn order(header_id: u128) -> Notification {
    notification(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1"}"#, header_id)
}

pub(crate) fn at(seconds: i64) -> Option<Ticks> {
    Ticks::from_epoch(1_700_000_000 + seconds)
}

/// A change of sales order SO/1 with a body time of `seconds`.
pub(crate) fn change(id: u128, seconds: i64) -> HeadChange {
    head_change(order(id).ledger_key(), Versions { body: at(seconds), ..Versions::default() })
}

pub(crate) fn with_status(id: u128, seconds: i64, status: &str) -> HeadChange {
    let milestone = at(seconds).map(|at| (at, status.to_owned()));
    HeadChange { status: Some(status.to_owned()), milestone, ..change(id, seconds) }
}

pub(crate) fn account(number: &str) -> EntityId {
    EntityId { tenant: TENANT.into(), entity: webhooks_model::Entity::Account, key: number.into() }
}
