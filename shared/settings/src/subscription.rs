//! Who may deliver, and how each sender proves its identity.

use crate::secret::Secret;
use serde::Deserialize;
use time::OffsetDateTime;
use webhooks_model::Channel;
use webhooks_signature::{Signature, equal_in_constant_time};

/// A subscription of the Developer Portal: one publisher, one event, one URL
/// (docs/visma-net.md#subscriptions).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The value of `x-vwd-subscription-id`.
    pub id: String,
    /// The last part of the URL: `/hooks/visma/{route}`.
    pub route: String,
    #[serde(default = "dispatcher")]
    pub channel: Channel,
    #[serde(default)]
    pub publisher: Option<String>,
    #[serde(default)]
    pub event: Option<String>,
    #[serde(default)]
    pub secrets: Vec<SigningSecret>,
    /// The unguessable part of a legacy URL: `/hooks/visma/legacy/{path_token}`.
    #[serde(default)]
    pub path_token: Option<Secret>,
    #[serde(default = "every_tenant")]
    pub tenants: Vec<String>,
    /// Overrides `reconciliation.silence_hours`, for a rare event. 0 means no limit.
    #[serde(default)]
    pub silence_hours: Option<u16>,
    /// Whether another subscription, for another event or tenant, has one of the same secrets. A
    /// signature then does not tell them apart. Set when the document is read.
    #[serde(skip)]
    pub shares_secret: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningSecret {
    pub id: String,
    pub value: Secret,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

impl Subscription {
    /// Whether one of the live secrets made the signature. It tries every live secret, so the time
    /// does not tell which one matched.
    pub fn verifies(&self, signature: &Signature, body: &[u8], now: OffsetDateTime) -> bool {
        let live = self.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| now < end));
        any_without_stopping(live, |secret| signature.is_by(secret.value.reveal(), body))
    }

    pub fn has_path_token(&self, token: &str) -> bool {
        self.path_token.as_ref().is_some_and(|own| equal_in_constant_time(own.reveal(), token))
    }

    pub fn serves(&self, tenant: &str) -> bool {
        self.tenants.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(tenant))
    }

    /// The tenant, if there is only one.
    pub fn sole_tenant(&self) -> Option<&str> {
        match self.tenants.as_slice() {
            [only] if only != "*" => Some(only),
            _ => None,
        }
    }
}

fn any_without_stopping<T>(all: impl Iterator<Item = T>, fits: impl Fn(T) -> bool) -> bool {
    all.fold(false, |found, one| fits(one) | found)
}

fn dispatcher() -> Channel {
    Channel::Dispatcher
}

fn every_tenant() -> Vec<String> {
    vec!["*".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn tries_every_secret_even_after_a_match() {
        for fitting in 0..=3 {
            let tried = RefCell::new(vec![]);
            let fits = |secret| {
                tried.borrow_mut().push(secret);
                secret == fitting
            };
            assert_eq!(any_without_stopping(0..3, fits), fitting < 3);
            assert_eq!(*tried.borrow(), [0, 1, 2], "{fitting}");
        }
    }
}
