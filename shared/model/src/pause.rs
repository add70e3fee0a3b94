//! Pauses of an operator.

use crate::catalogue::{self, Kind};
use crate::head::EntityId;
use crate::notification::Notification;
use crate::pattern;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The pattern that fits every event.
const EVERY_EVENT: &str = "*";

/// Notifications that match a pause wait in the ledger until it ends. None is lost, and none counts
/// as an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// `None` pauses every tenant.
    pub tenant: Option<String>,
    /// A pattern over `{entity}.{kind}`, like a route's.
    pub events: String,
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// The operator who paused.
    pub by: String,
    /// The reason, for other operators.
    pub note: String,
    /// When it ends by itself; `None` if only a person can end it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub until: Option<OffsetDateTime>,
}

impl Pause {
    /// Whether its end has been reached.
    #[must_use]
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    #[must_use]
    pub fn covers(&self, notification: &Notification) -> bool {
        self.is_for(notification.tenant.as_deref())
            && pattern::covers(&self.events, notification.entity, notification.kind)
    }

    /// Whether it covers all events of the tenant.
    #[must_use]
    pub fn covers_all_of(&self, tenant: &str) -> bool {
        self.events == EVERY_EVENT && self.is_for(Some(tenant))
    }

    /// Whether it covers a recorded notification, by its entity and its event's name.
    #[must_use]
    pub fn covers_recorded(&self, entity: &EntityId, event: &str) -> bool {
        let kind = catalogue::find(event).map_or(Kind::Unknown, |known| known.kind);
        self.is_for(Some(&entity.tenant)) && pattern::covers(&self.events, entity.entity, kind)
    }

    fn is_for(&self, tenant: Option<&str>) -> bool {
        self.tenant.as_deref().is_none_or(|own| tenant.is_some_and(|tenant| tenant.eq_ignore_ascii_case(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;
    use crate::notification::NoDirectory;
    use time::Duration;

    /// A changed account of the tenant, if given.
    fn changed_account(tenant: Option<&str>) -> Notification {
        let mut delivery = delivery(b"");
        delivery.meta.tenant = tenant.map(str::to_owned);
        Notification::read(&delivery, r#"{"event":"ACCOUNT_CHANGED","accountCd":"1920"}"#, &NoDirectory)
    }

    fn pause(tenant: Option<&str>, events: &str) -> Pause {
        Pause {
            tenant: tenant.map(str::to_owned),
            events: events.to_owned(),
            since: OffsetDateTime::UNIX_EPOCH,
            by: "operator".to_owned(),
            note: "month end".to_owned(),
            until: None,
        }
    }

    #[test]
    fn a_pause_covers_its_own_tenant_and_its_own_events() {
        let notification = changed_account(Some("t1"));
        for (tenant, events, expected) in [
            (Some("t1"), "*", true),
            (Some("T1"), "*", true),
            (Some("T1"), "account.changed", true),
            (Some("t1"), "account.created", false),
            (Some("t2"), "*", false),
            (None, "account.*", true),
            (None, "customer.*", false),
        ] {
            let pause = pause(tenant, events);
            assert_eq!(pause.covers(&notification), expected, "{tenant:?} {events}");
            let recorded = notification.ledger_key().entity;
            assert_eq!(pause.covers_recorded(&recorded, notification.event_name()), expected, "{tenant:?} {events}");
            assert_eq!(pause.covers_all_of("t1"), expected && events == "*", "{tenant:?} {events}");
        }
    }

    #[test]
    fn a_pause_is_over_from_its_end_on_and_never_without_one() {
        let end = OffsetDateTime::UNIX_EPOCH + Duration::HOUR;
        let endless = pause(None, "*");
        let ending = Pause { until: Some(end), ..endless.clone() };
        assert!(!ending.is_over(end - Duration::MILLISECOND) && ending.is_over(end));
        assert!(!endless.is_over(end + Duration::days(1_000)));
    }

    #[test]
    fn a_notification_without_a_tenant_is_paused_only_with_all() {
        assert!(!pause(Some("t1"), "*").covers(&changed_account(None)));
        assert!(pause(None, "*").covers(&changed_account(None)));
    }
}
