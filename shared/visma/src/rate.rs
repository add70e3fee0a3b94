//! The limits of each tenant, as far as known (docs/visma-net.md#rate-limits).

use crate::answer;
use crate::error::{Stage, VismaError};
use reqwest::header::HeaderMap;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;
use webhooks_model::Allowance;

/// The rest of a tenant's window, from the last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls in a window, if the answer said so.
    pub limit: Option<u64>,
    pub remaining: u64,
    pub resets_in: Duration,
}

/// The remaining calls of tenants.
pub trait Quotas: Send + Sync {
    /// The remaining calls from the ERP's last answer for the tenant. `None` before the first
    /// answer and after the window ended.
    fn quota_left(&self, tenant: &str) -> Option<Quota>;

    /// The allowance of a tenant that an answer has told to wait, `after` for a given time.
    /// `calls_each` is what one notification or one feedback needs.
    fn used_up(&self, tenant: &str, calls_each: u64, after: Option<Duration>, now: OffsetDateTime) -> Allowance {
        let quota = self.quota_left(tenant);
        // The tenant may have calls left, but was asked to wait for a given time.
        let window = quota.filter(|quota| quota.remaining == 0).map(|quota| quota.resets_in);
        Allowance {
            tenant: tenant.to_owned(),
            limit: quota.and_then(|quota| quota.limit),
            calls_each,
            resets_at: now + window.max(after).unwrap_or_default(),
            released_to: None,
        }
    }
}

/// The name of the window in which a call counts. It is the tenant's, but sales orders of versions 1
/// and 2 have one of their own, which is throttled (docs/visma-net.md#rate-limits).
pub(crate) fn window<'t>(tenant: &'t str, url: &Url) -> Cow<'t, str> {
    let is_old_order = ["/v1/salesorder/", "/v2/salesorder/"].iter().any(|path| url.path().contains(path));
    if is_old_order { Cow::Owned(format!("{tenant} old sales orders")) } else { Cow::Borrowed(tenant) }
}

#[derive(Debug, Default)]
pub(crate) struct Rates {
    tenants: Mutex<HashMap<String, Rate>>,
}

#[derive(Debug, Default)]
struct Rate {
    limit: Option<u64>,
    remaining: u64,
    resets_at: Option<OffsetDateTime>,
    closed_until: Option<OffsetDateTime>,
}

impl Rates {
    /// Fails while the tenant has to wait.
    pub(crate) fn check(&self, tenant: &str, stage: Stage, now: OffsetDateTime) -> Result<(), VismaError> {
        let closed_until = self.lock().get(tenant).and_then(|rate| rate.closed_until);
        match closed_until.and_then(|end| left(end, now)) {
            Some(left) => Err(VismaError::RateLimited { stage, after: Some(left) }),
            None => Ok(()),
        }
    }

    pub(crate) fn quota(&self, tenant: &str, now: OffsetDateTime) -> Option<Quota> {
        let tenants = self.lock();
        let rate = tenants.get(tenant)?;
        Some(Quota { limit: rate.limit, remaining: rate.remaining, resets_in: left(rate.resets_at?, now)? })
    }

    pub(crate) fn note_quota(&self, tenant: &str, headers: &HeaderMap, now: OffsetDateTime) {
        if let (Some(remaining), Some(wait)) = (answer::calls_left(headers), answer::window_ends_in(headers)) {
            let mut tenants = self.lock();
            let rate = tenants.entry(tenant.to_owned()).or_default();
            rate.limit = answer::calls_in_window(headers).or(rate.limit);
            rate.remaining = remaining;
            rate.resets_at = Some(now + wait);
        }
    }

    /// Makes the tenant wait. Of two answers to calls that ran at the same time, the longer wait
    /// counts: that of the ERP may be longer than that of Visma Connect.
    pub(crate) fn close(&self, tenant: &str, wait: Duration, now: OffsetDateTime) {
        let mut tenants = self.lock();
        let rate = tenants.entry(tenant.to_owned()).or_default();
        rate.closed_until = rate.closed_until.max(Some(now + wait));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Rate>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn left(end: OffsetDateTime, now: OffsetDateTime) -> Option<Duration> {
    Duration::try_from(end - now).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    #[test]
    fn the_longer_of_two_waits_counts_in_either_order() {
        for waits in [[30, 5], [5, 30]] {
            let rates = Rates::default();
            for wait in waits {
                rates.close("t-1", Duration::from_secs(wait), NOW);
            }
            let check = |after| rates.check("t-1", Stage::Resource, NOW + Duration::from_secs(after));
            let left = Some(Duration::from_secs(1));
            assert_eq!(check(29), Err(VismaError::RateLimited { stage: Stage::Resource, after: left }), "{waits:?}");
            assert_eq!(check(30), Ok(()), "{waits:?}");
        }
    }
}
