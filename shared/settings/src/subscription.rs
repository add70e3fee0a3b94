//! Who may deliver, and how each sender proves its identity.

use crate::values::Secret;
use serde::Deserialize;
use time::OffsetDateTime;
use webhooks_model::{Channel, from_objects};
use webhooks_signature::{Signature, equal_in_constant_time};

/// A subscription of the Developer Portal: one publisher, one event, one URL
/// (docs/visma-net.md#subscriptions).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
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
    /// Overrides `reconciliation.quiet_days`. 0 means no limit.
    #[serde(default)]
    pub quiet_days: Option<u16>,
    /// Whether another subscription, for another event or tenant, has one of the same secrets. A
    /// signature then does not tell them apart. Set when the document is read.
    #[serde(skip)]
    pub shares_secret: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SigningSecret {
    pub id: String,
    pub value: Secret,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

from_objects!(Subscription, SigningSecret);

impl Subscription {
    /// The live secret that made the signature. It tries every live secret, so the time does not tell
    /// which one matched.
    pub fn signer(&self, signature: &Signature, body: &[u8], now: OffsetDateTime) -> Option<&SigningSecret> {
        newest_match(self.live_secrets(now), |secret| signature.is_by(secret.value.reveal(), body))
    }

    /// The live secret that ends last. Of several, it is the last one in the list.
    pub fn newest_secret(&self, now: OffsetDateTime) -> Option<&SigningSecret> {
        newest_match(self.live_secrets(now), |_| true)
    }

    /// The live secrets that the newest one replaces.
    pub fn older_secrets(&self, now: OffsetDateTime) -> impl Iterator<Item = &SigningSecret> {
        let newest = self.newest_secret(now).map(|newest| newest.id.as_str());
        self.live_secrets(now).filter(move |secret| newest != Some(secret.id.as_str()))
    }

    fn live_secrets(&self, now: OffsetDateTime) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |secret| secret.expires_at.is_none_or(|end| now < end))
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

/// The newest match. It tries all.
fn newest_match<'s>(
    secrets: impl Iterator<Item = &'s SigningSecret>,
    matches: impl Fn(&SigningSecret) -> bool,
) -> Option<&'s SigningSecret> {
    secrets.filter(|secret| matches(secret)).max_by_key(|secret| (secret.expires_at.is_none(), secret.expires_at))
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
    use serde_json::{Value, json};
    use std::cell::RefCell;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
    const ENDED: Option<&str> = Some("2026-11-23T12:00:00Z");
    const SOON: Option<&str> = Some("2026-11-24T12:00:00Z");
    const LATER: Option<&str> = Some("2026-12-24T12:00:00Z");

    /// The name is both the id and the value.
    fn secret(name: &str, end: Option<&str>) -> Value {
        json!({ "id": name, "value": name, "expires_at": end })
    }

    fn subscription(secrets: &[Value]) -> Subscription {
        serde_json::from_value(json!({ "id": "accounts", "route": "erp", "secrets": secrets })).unwrap()
    }

    #[test]
    fn tries_every_secret_even_after_a_match() {
        let own = subscription(&["a", "b", "c"].map(|name| secret(name, None)));
        for matching in ["a", "b", "c", "none"] {
            let tried = RefCell::new(vec![]);
            let matches = |one: &SigningSecret| {
                tried.borrow_mut().push(one.id.clone());
                one.id == matching
            };
            let found = newest_match(own.secrets.iter(), matches).map(|one| one.id.as_str());
            assert_eq!(found, (matching != "none").then_some(matching));
            assert_eq!(*tried.borrow(), ["a", "b", "c"], "{matching}");
        }
    }

    #[test]
    fn finds_the_live_secret_that_made_the_signature() {
        let own = subscription(&[secret("ended", ENDED), secret("old", SOON), secret("new", None)]);
        for (name, expected) in [("ended", None), ("old", Some("old")), ("new", Some("new")), ("foreign", None)] {
            let signer = own.signer(&Signature::sign(name, b"{}"), b"{}", NOW);
            assert_eq!(signer.map(|one| one.id.as_str()), expected, "{name}");
        }
    }

    #[test]
    fn the_newest_secret_ends_last_and_the_other_live_ones_are_older() {
        let (old, new) = (|end| secret("old", end), |end| secret("new", end));
        for (secrets, newest, older) in [
            ([old(SOON), new(None)], Some("new"), vec!["old"]),
            ([new(None), old(SOON)], Some("new"), vec!["old"]),
            ([old(None), new(None)], Some("new"), vec!["old"]),
            ([new(LATER), old(SOON)], Some("new"), vec!["old"]),
            ([old(ENDED), new(None)], Some("new"), vec![]),
            ([old(ENDED), new(ENDED)], None, vec![]),
        ] {
            let own = subscription(&secrets);
            assert_eq!(own.newest_secret(NOW).map(|one| one.id.as_str()), newest, "{secrets:?}");
            assert_eq!(own.older_secrets(NOW).map(|one| one.id.as_str()).collect::<Vec<_>>(), older, "{secrets:?}");
        }
    }
}
