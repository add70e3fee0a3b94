//! Where a notification stands, and the key it is kept under.

use crate::head::EntityId;
use crate::identity::NotificationKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use time::OffsetDateTime;

/// Every accepted notification ends in exactly one of these; `Retrying` and `Paused` alone are not ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// An attempt failed and another will follow.
    Retrying,
    /// Its tenant or its event is paused; it goes on when that ends.
    Paused,
    /// Every attempt failed; the message lies in the dead-letter queue.
    Dead,
    /// Waits for a person, for a reason that no further attempt would cure.
    Parked,
    /// The body is no JSON object or array of objects.
    Unparseable,
    /// A newer change of the same entity was recorded first.
    Superseded,
    /// Every effect has happened.
    Processed,
}

impl State {
    pub const ALL: [Self; 7] =
        [Self::Retrying, Self::Paused, Self::Dead, Self::Parked, Self::Unparseable, Self::Superseded, Self::Processed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Paused => "paused",
            Self::Dead => "dead",
            Self::Parked => "parked",
            Self::Unparseable => "unparseable",
            Self::Superseded => "superseded",
            Self::Processed => "processed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing ever changes a final state. Dead and parked are ends as well, but a redrive or a replay may lead on from them.
    pub fn is_final(self) -> bool {
        self.rank() == 2
    }

    /// Whether no further attempt follows by itself.
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a notification is parked, dead or retrying: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The ERP, Visma Connect or one of our queues did not answer as it should.
    Unavailable,
    RateLimited,
    /// No tenant could be told from the body, the settings or the headers.
    TenantUnknown,
    TenantNotServed,
    /// The ERP answered 403: the tenant has not approved the application
    /// (docs/visma-net.md#errors).
    TenantNotApproved,
    /// Visma Connect gave no token for the tenant.
    TokenRefused,
    /// The event is in no catalogue and no alias of the settings.
    Unmapped,
    /// Nothing in the payload identifies the entity that the event is about.
    Unidentified,
    /// The payload has a resource path that cannot be used.
    InvalidPath,
    /// The key is longer than the table can hold.
    KeyTooLong,
    /// Only a header names the event, and the same content is known under another event.
    Ambiguous,
    /// The body has more items than the settings allow, so it is kept as one.
    TooManyItems,
    /// It came unsigned, and the ERP has no resource that would confirm it.
    Unconfirmable,
    /// Visma Connect gives a token, but every call is refused with it: the id is the customer's,
    /// not the company's (docs/visma-net.md#tenant-ids).
    CompanyTenantNeeded,
    /// The business handler asked for a person.
    HandlerRefused,
    /// An operator set it aside.
    Held,
    /// Visma Net takes the feedback under none of the ids.
    FeedbackRefused,
    /// It was tried for as long as trying makes sense.
    GaveUp,
    /// The code failed: a panic, or an error that should not exist.
    Bug,
    /// The attempt before this one ended without a word: killed, out of memory or out of time.
    Lost,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::TenantUnknown => "tenant_unknown",
            Self::TenantNotServed => "tenant_not_served",
            Self::TenantNotApproved => "tenant_not_approved",
            Self::TokenRefused => "token_refused",
            Self::Unmapped => "unmapped",
            Self::Unidentified => "unidentified",
            Self::InvalidPath => "invalid_path",
            Self::KeyTooLong => "key_too_long",
            Self::Ambiguous => "ambiguous",
            Self::TooManyItems => "too_many_items",
            Self::Unconfirmable => "unconfirmable",
            Self::CompanyTenantNeeded => "company_tenant_needed",
            Self::HandlerRefused => "handler_refused",
            Self::Held => "held",
            Self::FeedbackRefused => "feedback_refused",
            Self::GaveUp => "gave_up",
            Self::Bug => "bug",
            Self::Lost => "lost",
        }
    }
}

impl Reason {
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(text.into()).ok()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The ledger's key of one notification: its entity's partition, and the notification in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LedgerKey {
    #[serde(flatten)]
    pub entity: EntityId,
    #[serde(rename = "id")]
    pub notification: NotificationKey,
}

impl LedgerKey {
    /// Reads what somebody else has written, so that every key can be asked for in the table.
    ///
    /// # Errors
    /// The path of the field that is wrong, as an answer may name it: `notification.key`.
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
    /// How often the queue had handed the message out, this time included.
    pub receive_count: u32,
    pub reason: Reason,
    /// For a person to read; never a body, a token or a URL.
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
    fn a_person_should_look_at_what_goes_no_further_without_one() {
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
