//! Whether the old secrets of a subscription may end.

use crate::commands::check::Check;
use crate::commands::operations::Uses;
use crate::text::when;
use time::{Duration, OffsetDateTime};
use webhooks_settings::{SigningSecret, Subscription};

/// A check for each live secret that a newer one replaces. It warns of one that ends within `soon` and
/// was used lately.
pub fn old_secrets(own: &Subscription, uses: &Uses, now: OffsetDateTime, soon: Duration) -> Vec<Check> {
    let check = |secret: &SigningSecret| {
        let name = format!("subscription {}, old secret {}", own.id, secret.id);
        let Some(told) = uses.told(&own.id, &secret.id) else {
            return Check::skipped(name, "what the operations API observed");
        };
        match secret.expires_at.filter(|end| *end - now < soon) {
            Some(end) if uses.lately(&own.id, &secret.id, now).is_some() => {
                let advice = "Before that: give Visma Net the new secret in the Developer Portal.";
                Check::warning(name, format!("{told}, and ends at {}", when(end)), advice)
            }
            _ => Check::ok(name, told),
        }
    };
    own.older_secrets(now).map(check).collect()
}
