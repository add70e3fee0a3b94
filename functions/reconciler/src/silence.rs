//! Finds silent tenants and subscriptions. Writes when each tenant was last heard of into the
//! directory of tenants, for functions that may not read the settings.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::Channel;
use webhooks_settings::{Settings, Subscription, Tenant};
use webhooks_store::{Deliveries, KnownTenant, StoreError};

/// The least number of days to search for a tenant's last webhook.
const LOOKBACK_DAYS: i64 = 7;
/// A busy tenant's entry is written once in this time, not in every run.
const HEARD_ANEW: Duration = Duration::HOUR;

/// When a tenant's last webhook came, and whether the tenant is silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// The time of its last webhook within the searched days.
    pub(crate) at: Option<OffsetDateTime>,
    /// Whether it has been silent for longer than allowed.
    pub(crate) is_silent: bool,
}

impl<P: Ports> Reconciler<P> {
    /// Checks these tenants of the settings from `next` on, also one that was never heard of. If the
    /// time is over, the others are as the directory has them, and `next` is the first of them. `None`
    /// if the table could not answer for every tenant.
    pub(crate) async fn listen(
        &self,
        settings: &Settings,
        tenants: &[&Tenant],
        next: &mut Option<String>,
        run: &Run<'_>,
    ) -> Option<Vec<Heard>> {
        let heard = self.listen_from(settings, tenants, next, run).await;
        heard.inspect_err(|error| tracing::warn!("a tenant's silence is unknown: {error}")).ok()
    }

    async fn listen_from(
        &self,
        settings: &Settings,
        tenants: &[&Tenant],
        next: &mut Option<String>,
        run: &Run<'_>,
    ) -> Result<Vec<Heard>, StoreError> {
        let is_next = |tenant: &&Tenant| next.as_ref().is_some_and(|next| next.eq_ignore_ascii_case(&tenant.id));
        let first = tenants.iter().position(is_next).unwrap_or(0);
        *next = None;
        let mut heard = vec![None; tenants.len()];
        for at in (first..tenants.len()).chain(0..first) {
            if !run.has_time_to_listen(self.host.now()) {
                *next = Some(tenants[at].id.clone());
                break;
            }
            heard[at] = Some(self.listen_to(tenants[at], settings.silence(tenants[at])).await?);
        }
        let left = tenants.iter().zip(&heard).filter(|(_, heard)| heard.is_none());
        let left: Vec<String> = left.map(|(tenant, _)| tenant.id.to_lowercase()).collect();
        let known = self.sweeps.known_tenants(&left, self.host.now()).await?;
        let as_known = |tenant: &Tenant| Heard {
            at: None,
            is_silent: known.get(&tenant.id.to_lowercase()).is_some_and(|known| known.is_silent),
        };
        let all = tenants.iter().zip(heard);
        Ok(all.map(|(tenant, heard)| heard.unwrap_or_else(|| as_known(tenant))).collect())
    }

    /// A tenant that was never heard of is silent since the first check.
    async fn listen_to(&self, tenant: &Tenant, allowed: Option<Duration>) -> Result<Heard, StoreError> {
        let (id, now) = (tenant.id.to_lowercase(), self.host.now());
        let Some(allowed) = allowed else {
            // Its silence is unlimited, so searching today is enough.
            return Ok(Heard { at: self.sweeps.last_heard(&id, now, 0).await?, is_silent: false });
        };
        // Longer than the allowed silence, so that its end is always seen and remembered.
        let days = u16::try_from(LOOKBACK_DAYS.max(allowed.whole_days() + 1)).unwrap_or(u16::MAX);
        let at = self.sweeps.last_heard(&id, now, days).await?;
        if at.is_some_and(|at| now - at <= allowed) {
            return Ok(Heard { at, is_silent: false });
        }
        let since = self.sweeps.silent_since(&id, at, now).await?;
        let is_silent = now - since > allowed;
        if is_silent {
            let silent_hours = (now - since).whole_hours();
            tracing::warn!(tenant = tenant.id, silent_hours, "a tenant is silent");
        }
        Ok(Heard { at, is_silent })
    }

    /// How many subscriptions of the settings have delivered nothing for longer than allowed. A
    /// quiet subscription is normal, so one delivery is enough for ever unless the settings say
    /// otherwise. `None` if the table could not answer.
    pub(crate) async fn count_silent_subscriptions(&self, settings: &Settings) -> Option<usize> {
        let counted = self.silent_subscriptions(settings).await;
        counted.inspect_err(|error| tracing::warn!("the subscriptions' silence is unknown: {error}")).ok()
    }

    async fn silent_subscriptions(&self, settings: &Settings) -> Result<usize, StoreError> {
        let now = self.host.now();
        let watched: Vec<&Subscription> = settings.subscriptions.iter().filter(|one| is_watched(one)).collect();
        let known = self.sweeps.subscriptions().await?;
        let is_asked = |one: &&&Subscription| {
            let has_delivered = matches!(known.get(&one.id), Some(Deliveries::Seen | Deliveries::Quiet { .. }));
            !has_delivered || settings.later_silence(one).is_some()
        };
        let asked: Vec<&str> = watched.iter().filter(is_asked).map(|one| one.id.as_str()).collect();
        let heard = if asked.is_empty() { BTreeMap::new() } else { self.sweeps.delivering(&asked).await? };
        let mut next = BTreeMap::new();
        let mut silent = 0;
        for subscription in watched {
            let id = &subscription.id;
            let is_limited = settings.later_silence(subscription).is_some();
            let deliveries = next_state(known.get(id).copied(), heard.get(id).copied(), is_limited, now);
            next.insert(id.clone(), deliveries);
            silent += usize::from(is_silent(subscription, deliveries, settings, now));
        }
        if next != known {
            self.sweeps.set_subscriptions(&next).await?;
        }
        Ok(silent)
    }

    /// `heard` has one entry for each of these tenants; `None` if it is unknown.
    pub(crate) async fn write_directory(&self, tenants: &[&Tenant], heard: Option<&[Heard]>, run: &Run<'_>) {
        if let Err(error) = self.write_changes(tenants, heard, run).await {
            tracing::warn!("the directory of tenants is left to the next run: {error}");
        }
    }

    async fn write_changes(
        &self,
        tenants: &[&Tenant],
        heard: Option<&[Heard]>,
        run: &Run<'_>,
    ) -> Result<(), StoreError> {
        let now = self.host.now();
        // By id, since the settings may name a tenant twice.
        let mut own: BTreeMap<String, (&Tenant, Option<Heard>)> = BTreeMap::new();
        for (at, &tenant) in tenants.iter().enumerate() {
            let heard = heard.and_then(|heard| heard.get(at)).copied();
            own.entry(tenant.id.to_lowercase()).or_insert((tenant, heard));
        }
        let ids: Vec<String> = own.keys().cloned().collect();
        let known = self.sweeps.known_tenants(&ids, now).await?;
        for (id, (tenant, heard)) in own {
            let before = known.get(&id);
            let entry = entry(id, tenant, heard, before);
            // The next run writes the others, since it finds them as they were.
            if before != Some(&entry) && !run.is_over(self.host.now()) {
                self.sweeps.set_tenant(&entry, now).await?;
            }
        }
        Ok(())
    }
}

/// The next state of a subscription. `heard` is its last delivery, if the processor's fact of it
/// has not expired. `is_limited` says whether it must go on delivering.
fn next_state(
    known: Option<Deliveries>,
    heard: Option<OffsetDateTime>,
    is_limited: bool,
    now: OffsetDateTime,
) -> Deliveries {
    match (known, heard) {
        (None, None) => Deliveries::Awaited { since: now },
        (Some(awaited @ Deliveries::Awaited { .. }), None) => awaited,
        _ if !is_limited => Deliveries::Seen,
        (Some(quiet @ Deliveries::Quiet { .. }), None) => quiet,
        (_, heard) => Deliveries::Quiet { since: heard.unwrap_or(now) },
    }
}

fn is_silent(subscription: &Subscription, deliveries: Deliveries, settings: &Settings, now: OffsetDateTime) -> bool {
    let id = &subscription.id;
    let (since, allowed, is_first) = match deliveries {
        Deliveries::Seen => return false,
        Deliveries::Awaited { since } => (since, settings.first_silence(subscription), true),
        Deliveries::Quiet { since } => (since, settings.later_silence(subscription), false),
    };
    let is_over = allowed.is_some_and(|allowed| now - since > allowed);
    if is_over && is_first {
        let silent_hours = (now - since).whole_hours();
        tracing::warn!(subscription = id, silent_hours, "a subscription has never delivered anything");
    } else if is_over {
        let (silent_days, since) = ((now - since).whole_days(), since.date());
        tracing::warn!(subscription = id, silent_days, %since, "a subscription that delivered before is silent");
    }
    is_over
}

/// The legacy channel is unsigned, so its deliveries are not recorded.
fn is_watched(subscription: &Subscription) -> bool {
    subscription.channel == Channel::Dispatcher
}

fn entry(id: String, tenant: &Tenant, heard: Option<Heard>, before: Option<&KnownTenant>) -> KnownTenant {
    let known_at = before.and_then(|before| before.heard_at);
    KnownTenant {
        id,
        name: tenant.name.clone(),
        company_id: tenant.company_id.clone(),
        heard_at: heard_at(known_at, heard.and_then(|heard| heard.at)),
        is_silent: heard.map_or_else(|| before.is_some_and(|before| before.is_silent), |heard| heard.is_silent),
    }
}

/// The newer of both, unless it is only slightly newer.
fn heard_at(known: Option<OffsetDateTime>, at: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (known, at) {
        (Some(known), Some(at)) if at - known < HEARD_ANEW => Some(known),
        (known, at) => at.or(known),
    }
}
