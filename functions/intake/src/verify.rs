//! Verifies the sender: finds the subscription whose secret made the signature, or whose path token
//! the URL has.

use crate::headers::Headers;
use crate::problem::Problem;
use crate::target::Entrance;
use time::OffsetDateTime;
use webhooks_model::Channel;
use webhooks_model::notification::{UNKNOWN_TENANT, is_name};
use webhooks_settings::{Settings, SigningSecret, Subscription};
use webhooks_signature::Signature;

const SIGNATURE: &str = "x-vwd-signature-v1";
const SUBSCRIPTION_ID: &str = "x-vwd-subscription-id";
const TENANT_ID: &str = "x-vwd-tenant-id";

/// An unverified request.
pub(crate) struct Inbound<'a> {
    pub(crate) entrance: Entrance<'a>,
    pub(crate) headers: &'a Headers,
    pub(crate) body: &'a [u8],
}

/// The proven facts about the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) channel: Channel,
    pub(crate) route: String,
    pub(crate) subscription: String,
    pub(crate) event: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) shared_secret: bool,
    /// The id of the secret that made the signature, if the subscription has a newer one.
    pub(crate) older_secret: Option<String>,
    /// The group of the message on the queue. It may come from a header, so it proves nothing.
    pub(crate) group: String,
}

impl Inbound<'_> {
    pub(crate) fn verify(&self, settings: &Settings, now: OffsetDateTime) -> Result<Caller, Problem> {
        let (subscription, secret) = match self.entrance {
            Entrance::Dispatcher { route } => self.signed_by(settings, route, now)?,
            Entrance::Legacy { token } => (holder_of(token, settings)?, None),
        };
        let older = secret.filter(|own| subscription.older_secrets(now).any(|older| older.id == own.id));
        Ok(Caller {
            channel: subscription.channel,
            route: subscription.route.clone(),
            subscription: subscription.id.clone(),
            event: subscription.event.clone(),
            tenant: subscription.sole_tenant().map(str::to_lowercase),
            shared_secret: subscription.shares_secret,
            older_secret: older.map(|secret| secret.id.clone()),
            group: self.group(subscription),
        })
    }

    fn signed_by<'s>(
        &self,
        settings: &'s Settings,
        route: &str,
        now: OffsetDateTime,
    ) -> Result<(&'s Subscription, Option<&'s SigningSecret>), Problem> {
        let of_route: Vec<&Subscription> =
            settings.subscriptions.iter().filter(|s| s.channel == Channel::Dispatcher && s.route == route).collect();
        if of_route.is_empty() {
            return Err(Problem::RouteUnknown);
        }
        let signature = self.signature()?;
        let named = self
            .headers
            .get(SUBSCRIPTION_ID)
            .and_then(|id| of_route.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id)));
        let candidates = named.map_or(of_route.as_slice(), std::slice::from_ref);
        let signer = |subscription: &'s Subscription| subscription.signer(&signature, self.body, now);
        let found = first_without_stopping(candidates.iter().copied(), signer);
        found.map(|(subscription, secret)| (subscription, Some(secret))).ok_or(Problem::SignatureMismatch)
    }

    fn signature(&self) -> Result<Signature, Problem> {
        let mut values = self.headers.all(SIGNATURE);
        let value = values.next().filter(|value| !value.is_empty()).ok_or(Problem::SignatureMissing)?;
        if values.next().is_some() {
            return Err(Problem::SignatureMalformed);
        }
        Signature::parse(value).map_err(|_| Problem::SignatureMalformed)
    }

    fn group(&self, subscription: &Subscription) -> String {
        let named = || self.headers.get(TENANT_ID).filter(|tenant| is_name(tenant) && subscription.serves(tenant));
        let tenant = match subscription.channel {
            Channel::Dispatcher => subscription.sole_tenant().or_else(named),
            // A legacy request has no signature, so its tenant proves nothing.
            Channel::Legacy => subscription.sole_tenant(),
        };
        tenant.unwrap_or(UNKNOWN_TENANT).to_lowercase()
    }
}

fn holder_of<'s>(token: &str, settings: &'s Settings) -> Result<&'s Subscription, Problem> {
    let legacy = settings.subscriptions.iter().filter(|subscription| subscription.channel == Channel::Legacy);
    let found = first_without_stopping(legacy, |subscription| subscription.has_path_token(token).then_some(()));
    found.map(|(subscription, ())| subscription).ok_or(Problem::RouteUnknown)
}

/// The first match, and what matched. It tries all, so that the time does not tell which one matched.
fn first_without_stopping<'s, T>(
    subscriptions: impl Iterator<Item = &'s Subscription>,
    fits: impl Fn(&'s Subscription) -> Option<T>,
) -> Option<(&'s Subscription, T)> {
    subscriptions.fold(None, |first, subscription| {
        let fitting = fits(subscription).map(|what| (subscription, what));
        first.or(fitting)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::RefCell;

    #[test]
    fn tries_every_subscription_even_after_a_match() {
        let subscription =
            |id: &str| -> Subscription { serde_json::from_value(json!({"id": id, "route": "erp"})).unwrap() };
        let all = ["a", "b", "c"].map(subscription);
        for (fitting, found) in [(vec!["a"], Some("a")), (vec!["b", "c"], Some("b")), (vec![], None)] {
            let tried = RefCell::new(vec![]);
            let fits = |one: &Subscription| {
                tried.borrow_mut().push(one.id.clone());
                fitting.contains(&one.id.as_str()).then_some(())
            };
            assert_eq!(first_without_stopping(all.iter(), fits).map(|(one, ())| one.id.as_str()), found);
            assert_eq!(*tried.borrow(), ["a", "b", "c"]);
        }
    }
}
