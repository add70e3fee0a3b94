//! Counts the hours of every tenant, for the overview. It reads a notification once, a few minutes
//! after its receipt. It reads it again only with an hour in which something was still open or a
//! record was written late.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::Rollup;
use webhooks_model::rollup::{Rolling, hour_of};
use webhooks_store::{Rolled, StoreError, Summary};
use webhooks_visma::Quotas;

/// Newer notifications are left to the next run. Most end within this time, and are then read only
/// once.
const LAG: Duration = Duration::minutes(5);
/// A tenant this far behind skips empty hours.
const BEHIND: Duration = Duration::hours(2);
/// Slices of feeds in one run, 100 notifications each. The next run continues.
const MOST_PAGES: u32 = 500;
/// An hour with as many notifications is not counted again, since a run has no room for it.
const TOO_MANY: u64 = 50_000;

/// The counters of one run.
#[derive(Debug)]
struct Count {
    /// Everything received before this time is counted.
    until: OffsetDateTime,
    now: OffsetDateTime,
    pages: u32,
    /// The hours with changes, also those of an earlier run that did not write their sums.
    changed: BTreeSet<OffsetDateTime>,
}

impl<P: Ports> Reconciler<P> {
    /// Counts what came since the last run, from the tenant `next` on. Returns the time up to which
    /// every tenant is counted. If there was no room for all, it returns `None`, and `next` is the
    /// tenant with which the next run begins.
    pub(crate) async fn roll_up(
        &self,
        tenants: &[&str],
        next: &mut Option<String>,
        run: &Run<'_>,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let now = self.host.now();
        let changed = self.sweeps.unsummed().await?;
        let mut count = Count { until: now - LAG, now, pages: MOST_PAGES, changed };
        let mut tenants: Vec<String> = tenants.iter().map(|tenant| tenant.to_lowercase()).collect();
        let is_next = |tenant: &String| next.as_ref().is_some_and(|next| next.eq_ignore_ascii_case(tenant));
        let first = tenants.iter().position(is_next).unwrap_or(0);
        tenants.rotate_left(first);
        let mut result = Ok(true);
        for (at, tenant) in tenants.iter().enumerate() {
            if !run.has_time(self.host.now()) {
                *next = Some(tenant.clone());
                result = Ok(false);
                break;
            }
            result = self.roll_tenant(tenant, &mut count, run).await;
            if !matches!(result, Ok(true)) {
                // The first tenant had the whole run. Another one begins the next run, so that a
                // busy or broken tenant does not keep the others from their turn.
                *next = Some(tenants[at.max(1) % tenants.len()].clone());
                break;
            }
        }
        // Also after a fault. Otherwise the sum would lack the tenants already written until they
        // change again.
        for hour in &count.changed {
            self.sweeps.add_up(&tenants, *hour, now).await?;
        }
        if !count.changed.is_empty() {
            self.sweeps.set_unsummed(&BTreeSet::new(), now).await?;
        }
        Ok(result?.then_some(count.until))
    }

    pub(crate) async fn summarise(&self, counted_to: OffsetDateTime, tenants: usize, silent: Option<usize>) {
        let summary = Summary { counted_to, tenants, silent };
        if let Err(error) = self.sweeps.set_summary(&summary, self.host.now()).await {
            tracing::warn!("the progress of the roll-ups was not recorded: {error}");
        }
    }

    /// Returns `false` if there was no room for all of it.
    async fn roll_tenant(&self, tenant: &str, count: &mut Count, run: &Run<'_>) -> Result<bool, StoreError> {
        let known = self.sweeps.rolling(tenant).await?;
        let mut rolling = known.clone().unwrap_or_else(|| Rolling::begin(count.until - Duration::HOUR));
        let is_whole = self.roll_hours(tenant, &mut rolling, count, run).await?;
        if known.as_ref() != Some(&rolling) {
            self.sweeps.set_rolling(tenant, &rolling, count.now).await?;
        }
        Ok(is_whole)
    }

    async fn roll_hours(
        &self,
        tenant: &str,
        rolling: &mut Rolling,
        count: &mut Count,
        run: &Run<'_>,
    ) -> Result<bool, StoreError> {
        for hour in rolling.due(count.now) {
            let known = self.sweeps.rolled(tenant, hour).await?;
            let (received, open) = known.as_ref().map_or((0, 0), |one| (one.rollup.received, one.rollup.open));
            let stays =
                received >= TOO_MANY || (open == 0 && self.sweeps.count_received(tenant, hour).await? == received);
            let (anew, had_whole_run) = (Rolled::begin(hour, count.now), count.pages == MOST_PAGES);
            let is_done = stays || self.roll_hour(tenant, known.as_ref(), anew, count, run).await?;
            // One that does not fit into a whole run keeps its numbers. It would hold up the later ones
            // for ever.
            if !(is_done || had_whole_run && count.pages < MOST_PAGES) {
                return Ok(false);
            }
            rolling.looked_at(hour, count.now);
        }
        loop {
            let hour = rolling.hour();
            if hour > count.until {
                return Ok(true);
            }
            if count.until - hour > BEHIND {
                let next = self.sweeps.next_received(tenant, hour, count.until).await?;
                rolling.skip_to(next, count.now);
            }
            let hour = rolling.hour();
            let known = self.sweeps.rolled(tenant, hour).await?;
            let on = known.clone().unwrap_or_else(|| Rolled::begin(hour, count.now));
            if !self.roll_hour(tenant, known.as_ref(), on, count, run).await? {
                return Ok(false);
            }
            if hour + Duration::HOUR > count.until {
                return Ok(true);
            }
            rolling.finish_hour(count.now);
        }
    }

    /// Counts on from the end of `rolled`, and writes the result if it differs from the known one.
    /// Without room for all, a recounted hour stays as it was, and the current hour is written as
    /// far as it was counted.
    async fn roll_hour(
        &self,
        tenant: &str,
        known: Option<&Rolled>,
        mut rolled: Rolled,
        count: &mut Count,
        run: &Run<'_>,
    ) -> Result<bool, StoreError> {
        let end = count.until.min(rolled.hour + Duration::HOUR);
        let goes_on = known.is_none_or(|known| known.counted_to == rolled.counted_to);
        let mut is_whole = false;
        while !is_whole && count.pages > 0 && run.has_time(self.host.now()) {
            count.pages -= 1;
            let received = self.sweeps.received(tenant, &rolled.counted_to, end).await?;
            received.notifications.iter().for_each(|one| rolled.rollup.count(one));
            (rolled.counted_to, is_whole) = (received.position, received.is_last);
        }
        let left = self.listing.quota_left(tenant).map(|quota| quota.remaining);
        if rolled.hour == hour_of(count.until) && left.is_some() {
            rolled.rollup.calls_left = left;
        } else if rolled.rollup.calls_left.is_none() {
            rolled.rollup.calls_left = known.and_then(|known| known.rollup.calls_left);
        }
        rolled.rollup.trim();
        let is_new = known.map_or(rolled.rollup != Rollup::default(), |known| known.rollup != rolled.rollup);
        if is_new && (is_whole || goes_on) {
            rolled.made_at = count.now;
            if count.changed.insert(rolled.hour) {
                // Comes first. If the run dies, or cannot write the sum, the next one does.
                self.sweeps.set_unsummed(&count.changed, count.now).await?;
            }
            self.sweeps.set_rolled(tenant, &rolled, count.now).await?;
        }
        Ok(is_whole)
    }
}
