//! A run: every list of every tenant, as far as the budget goes.

use crate::ports::Ports;
use crate::sweep::{SweepError, Swept};
use std::collections::BTreeMap;
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_metrics::{Metric, Metrics};
use webhooks_model::{Collection, Reason};
use webhooks_settings::{Cache, LoadError, Settings};

pub struct Reconciler<P: Ports> {
    pub settings: Cache<P::Source, P::Host>,
    pub sweeps: P::Sweeps,
    pub listing: P::Listing,
    pub queue: P::Queue,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    pub tenants: usize,
    /// Lists swept to their end.
    pub finished: usize,
    /// Lists that go on in the next run: out of budget, out of quota, or not answering.
    pub unfinished: usize,
    pub calls: u32,
    pub gaps_found: BTreeMap<Collection, usize>,
    /// Tenants that used to be heard of; `None` when not every tenant was looked at.
    pub silent: Option<usize>,
}

/// What a run may still do.
#[derive(Debug)]
pub(crate) struct Budget {
    calls: u32,
    gaps: usize,
    ends_at: OffsetDateTime,
}

impl Budget {
    fn new(settings: &Settings, ends_at: OffsetDateTime) -> Self {
        let rules = &settings.reconciliation;
        Self { calls: rules.max_calls, gaps: rules.max_gaps, ends_at }
    }

    pub(crate) fn is_spent(&self, now: OffsetDateTime) -> bool {
        self.calls == 0 || self.gaps == 0 || now >= self.ends_at
    }

    pub(crate) fn take_call(&mut self, now: OffsetDateTime) -> bool {
        let may = !self.is_spent(now);
        self.calls -= u32::from(may);
        may
    }

    pub(crate) fn take_gap(&mut self) -> bool {
        let may = self.gaps > 0;
        self.gaps -= usize::from(may);
        may
    }
}

impl<P: Ports> Reconciler<P> {
    /// One run of at most `time`, over every tenant or over one.
    ///
    /// # Errors
    /// There are no settings. Everything else is reported, and goes on in the next run.
    pub async fn run(&self, request_id: &str, time: Duration, only: Option<&str>) -> Result<Report, LoadError> {
        let settings = self.settings.get().await?;
        let mut budget = Budget::new(&settings, self.host.now() + time);
        let mut report = Report::default();
        for tenant in self.in_turn(&settings).filter(|tenant| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant)))
        {
            report.tenants += 1;
            self.run_tenant(&settings, tenant, &mut budget, &mut report).await;
        }
        if only.is_none() {
            report.silent = self.count_silent(&settings).await;
        }
        report.calls = settings.reconciliation.max_calls - budget.calls;
        self.count(&report);
        self.metrics.flush(request_id);
        let gaps_found: usize = report.gaps_found.values().sum();
        tracing::info!(
            gaps_found,
            tenants = report.tenants,
            finished = report.finished,
            unfinished = report.unfinished,
            calls = report.calls,
            "reconciled"
        );
        Ok(report)
    }

    fn count(&self, report: &Report) {
        let gaps = report.gaps_found.iter().flat_map(|(collection, gaps)| {
            std::iter::repeat_n(Metric::GapsFound { collection: collection.as_str() }, *gaps)
        });
        let swept = std::iter::repeat_n(Metric::ListsSwept, report.finished);
        let unfinished = std::iter::repeat_n(Metric::ListsUnfinished, report.unfinished);
        let silent = report.silent.map(Metric::SilentTenants);
        self.metrics.record(None, gaps.chain(swept).chain(unfinished).chain(silent));
    }

    /// Beginning with another tenant in each run, so that a budget too small for all starves none.
    fn in_turn<'s>(&self, settings: &'s Settings) -> impl Iterator<Item = &'s str> + use<'s, P> {
        let tenants = settings.tenants.len();
        let minutes = usize::try_from(self.host.now().unix_timestamp() / 60).unwrap_or(0);
        let first = if tenants == 0 { 0 } else { minutes % tenants };
        settings.tenants.iter().cycle().skip(first).take(tenants).map(|tenant| tenant.id.as_str())
    }

    async fn run_tenant(&self, settings: &Settings, tenant: &str, budget: &mut Budget, report: &mut Report) {
        let collections = &settings.reconciliation.collections;
        for (at, collection) in collections.iter().copied().enumerate() {
            let mut swept = Swept::default();
            let ended = self.sweep(settings, tenant, collection, budget, &mut swept).await;
            note_gaps(report, tenant, collection, swept.gaps);
            report.finished += usize::from(swept.finished);
            report.unfinished += usize::from(!swept.finished);
            if let Err(error) = ended {
                let reason = error.next().reason();
                tracing::warn!(tenant, collection = %collection, reason = reason.as_str(), "sweep ended early: {error}");
                if concerns_tenant(&error) {
                    report.unfinished += collections.len() - at - 1;
                    return;
                }
            }
        }
    }
}

fn note_gaps(report: &mut Report, tenant: &str, collection: Collection, gaps: usize) {
    if gaps > 0 {
        tracing::warn!(tenant, collection = %collection, gaps_found = gaps, "webhooks that never arrived");
        *report.gaps_found.entry(collection).or_default() += gaps;
    }
}

/// Whether the tenant's other lists would fare no better.
fn concerns_tenant(error: &SweepError) -> bool {
    let reasons = [Reason::RateLimited, Reason::TenantNotApproved, Reason::TokenRefused];
    matches!(error, SweepError::Visma(error) if reasons.contains(&error.next().reason()))
}
