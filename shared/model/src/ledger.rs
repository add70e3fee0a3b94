//! The state of a notification, and its key in the ledger.

use crate::head::EntityId;
use crate::identity::NotificationKey;
use crate::words::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

words! {
    /// Every accepted notification ends in exactly one of these states. Only `Retrying` and
    /// `Paused` are not final.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum State {
        /// An attempt failed and another will follow.
        Retrying = "retrying",
        /// Its tenant or its event is paused. It continues when the pause ends.
        Paused = "paused",
        /// Every attempt failed. The message is in the dead-letter queue.
        Dead = "dead",
        /// Waits for a person, since another attempt would not help.
        Parked = "parked",
        /// The body is not a JSON object or an array of objects.
        Unparseable = "unparseable",
        /// A newer change of the same entity was recorded first.
        Superseded = "superseded",
        /// All effects have happened.
        Processed = "processed",
    }
}

impl State {
    /// A final state never changes. Dead and parked are ends too, but a redrive or a replay may
    /// continue from them.
    pub fn is_final(self) -> bool {
        self.rank() == 2
    }

    /// Whether no further attempt follows without a person.
    pub fn is_end(self) -> bool {
        !matches!(self, Self::Retrying | Self::Paused)
    }

    /// State moves only forward.
    pub fn may_become(self, next: Self) -> bool {
        !self.is_final() && next.rank() >= self.rank()
    }

    /// Whether a person should look.
    pub fn needs_attention(self) -> bool {
        matches!(self, Self::Dead | Self::Parked | Self::Unparseable)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Retrying | Self::Paused => 0,
            Self::Dead | Self::Parked => 1,
            Self::Unparseable | Self::Superseded | Self::Processed => 2,
        }
    }
}

words! {
    /// Why a notification is parked, dead or retrying: a stable code.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reason {
        /// The ERP, Visma Connect or one of our queues did not answer as it should.
        Unavailable = "unavailable",
        RateLimited = "rate_limited",
        /// No tenant in the body, the settings or the headers.
        TenantUnknown = "tenant_unknown",
        TenantNotServed = "tenant_not_served",
        /// The ERP answered 403: the tenant has not approved the application
        /// (docs/visma-net.md#errors). Or the Sales Order service refused each token.
        TenantNotApproved = "tenant_not_approved",
        /// Visma Connect gave no token for the tenant.
        TokenRefused = "token_refused",
        /// The event is neither in the catalogue nor an alias in the settings.
        Unmapped = "unmapped",
        /// Nothing in the payload identifies the entity.
        Unidentified = "unidentified",
        /// The payload has an unusable resource path.
        InvalidPath = "invalid_path",
        /// The key is longer than the table can hold.
        KeyTooLong = "key_too_long",
        /// Only a header names the event, and the same content is known under another event.
        Ambiguous = "ambiguous",
        /// The body has more items than the settings allow, so it is kept as one notification.
        TooManyItems = "too_many_items",
        /// It was unsigned, and the ERP has no resource that confirms it.
        Unconfirmable = "unconfirmable",
        /// Visma Connect gives a token, but the ERP refuses each call with it: the tenant id is the
        /// customer's instead of the company's (docs/visma-net.md#tenant-ids).
        CompanyTenantNeeded = "company_tenant_needed",
        /// The business handler asked for a person.
        HandlerRefused = "handler_refused",
        /// An operator set it aside.
        Held = "held",
        /// Visma Net refuses the feedback under all its ids.
        FeedbackRefused = "feedback_refused",
        /// It was tried for as long as useful.
        GaveUp = "gave_up",
        /// Only a newer version of the product can read the record.
        NewerVersion = "newer_version",
        /// The code failed: a panic, or an impossible error.
        Bug = "bug",
        /// The attempt before this one left no result: it was killed, or ran out of memory or time.
        Lost = "lost",
    }
}

/// The ledger's key of a notification: its entity's partition and its own key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LedgerKey {
    #[serde(flatten)]
    pub entity: EntityId,
    #[serde(rename = "id")]
    pub notification: NotificationKey,
}

impl LedgerKey {
    /// Parses a key from outside. A valid key can always be looked up in the table.
    ///
    /// # Errors
    /// The path of the wrong field, for use in an answer: `notification.key`.
    pub fn parse(json: Value) -> Result<Self, &'static str> {
        let Value::Object(mut fields) = json else { return Err("notification") };
        let mut take = |name| fields.remove(name).unwrap_or(Value::Null);
        let text = |value: Value| if let Value::String(text) = value { Some(text) } else { None };
        let entity = serde_json::from_value(take("entity")).map_err(|_| "notification.entity")?;
        let tenant = text(take("tenant")).ok_or("notification.tenant")?;
        let key = text(take("key")).ok_or("notification.key")?;
        let id = text(take("id")).and_then(|id| NotificationKey::try_from(id).ok()).ok_or("notification.id")?;
        let entity = EntityId { tenant, entity, key }.check().map_err(|invalid| match invalid.field {
            "tenant" => "notification.tenant",
            _ => "notification.key",
        })?;
        Ok(Self { entity, notification: id })
    }
}

/// One failed attempt, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: OffsetDateTime,
    /// How often the queue had delivered the message, this time included.
    pub receive_count: u32,
    pub reason: Reason,
    /// Text for a person. It never has a body, a token or a URL.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_moves_only_forward() {
        use State::*;
        for next in State::ALL {
            assert!(Retrying.may_become(next) && Paused.may_become(next), "{next}");
            assert!(
                !Processed.may_become(next) && !Superseded.may_become(next) && !Unparseable.may_become(next),
                "{next}"
            );
        }
        assert!(Dead.may_become(Processed) && Parked.may_become(Dead) && Dead.may_become(Parked));
        assert!(!Dead.may_become(Retrying) && !Parked.may_become(Retrying) && !Parked.may_become(Paused));
    }

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.to_string(), state.as_str());
        }
    }

    #[test]
    fn states_that_wait_for_a_person_need_attention() {
        let attention = State::ALL.into_iter().filter(|state| state.needs_attention()).collect::<Vec<_>>();
        assert_eq!(attention, [State::Dead, State::Parked, State::Unparseable]);
    }

    #[test]
    fn a_reason_is_one_code_in_text_in_json_and_in_messages() {
        for (reason, code) in [
            (Reason::Unavailable, "unavailable"),
            (Reason::TenantNotApproved, "tenant_not_approved"),
            (Reason::GaveUp, "gave_up"),
        ] {
            assert_eq!((reason.as_str(), reason.to_string().as_str()), (code, code));
            assert_eq!(serde_json::to_value(reason).unwrap(), code);
            assert_eq!(Reason::parse(code), Some(reason));
        }
        assert_eq!(Reason::parse("no_such_reason"), None);
    }
}
