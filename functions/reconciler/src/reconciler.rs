//! A run: every list of every tenant, as far as the budget goes.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use crate::sweep::{SweepError, Swept};
use std::collections::BTreeMap;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::{Collection, Reason};
use webhooks_queue::Trace;
use webhooks_settings::{LoadError, Settings};

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
    /// Tenants of whom nothing is heard; `None` when not every tenant was looked at.
    pub silent: Option<usize>,
    /// Awaited outcomes that did not come in time; their accountants are told.
    pub expired: usize,
    /// What had stood still and was put on its queue again.
    pub requeued: Requeued,
    /// What waited for its tenant's quota and goes on.
    pub released: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Requeued {
    pub notifications: usize,
    pub feedback: usize,
}

impl<P: Ports> Reconciler<P> {
    /// One run of at most `time`, over every tenant or over one. What it queues goes on with `trace`.
    ///
    /// # Errors
    /// There are no settings. Everything else is reported, and goes on in the next run.
    pub async fn run(
        &self,
        request_id: &str,
        time: Duration,
        only: Option<&str>,
        trace: Option<&Trace>,
    ) -> Result<Report, LoadError> {
        let settings = self.settings.get().await?;
        let mut run = Run::new(&settings, self.host.now() + time, trace);
        let mut report = Report::default();
        let is_wanted = |tenant: &&str| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant));
        let tenants: Vec<&str> = self.in_turn(&settings).filter(is_wanted).collect();
        // First, for it is quick, and lists that answer slowly may take all the time.
        if let Err(error) = self.settle(&settings, &tenants, only, &mut run, &mut report).await {
            let reason = error.next().reason();
            tracing::warn!(reason = reason.as_str(), "what is overdue or stuck is left to the next run: {error}");
        }
        if let Err(error) = self.release(only, &mut run, &mut report).await {
            let reason = error.next().reason();
            tracing::warn!(reason = reason.as_str(), "what waits for a quota is left to the next run: {error}");
        }
        for tenant in tenants {
            report.tenants += 1;
            self.run_tenant(&settings, tenant, &mut run, &mut report).await;
        }
        if only.is_none() {
            report.silent = self.count_silent(&settings).await;
        }
        report.calls = settings.reconciliation.max_calls - run.calls_left();
        self.count(&report);
        self.metrics.flush(request_id);
        log(&report);
        Ok(report)
    }

    fn count(&self, report: &Report) {
        let gaps = report.gaps_found.iter().flat_map(|(collection, gaps)| {
            std::iter::repeat_n(Metric::GapsFound { collection: collection.as_str() }, *gaps)
        });
        let swept = std::iter::repeat_n(Metric::ListsSwept, report.finished);
        let unfinished = std::iter::repeat_n(Metric::ListsUnfinished, report.unfinished);
        let silent = report.silent.map(Metric::SilentTenants);
        let expired = std::iter::repeat_n(Metric::OutcomesExpired, report.expired);
        let stuck = [("notification", report.requeued.notifications), ("feedback", report.requeued.feedback)];
        let stuck =
            stuck.into_iter().flat_map(|(kind, many)| std::iter::repeat_n(Metric::StuckRequeued { kind }, many));
        let lists = gaps.chain(swept).chain(unfinished).chain(silent);
        self.metrics.record(None, lists.chain(expired).chain(stuck));
    }

    /// Beginning with another tenant in each run, so that a budget too small for all starves none.
    fn in_turn<'s>(&self, settings: &'s Settings) -> impl Iterator<Item = &'s str> + use<'s, P> {
        let tenants = settings.tenants.len();
        let minutes = usize::try_from(self.host.now().unix_timestamp() / 60).unwrap_or(0);
        let first = if tenants == 0 { 0 } else { minutes % tenants };
        settings.tenants.iter().cycle().skip(first).take(tenants).map(|tenant| tenant.id.as_str())
    }

    async fn run_tenant(&self, settings: &Settings, tenant: &str, run: &mut Run<'_>, report: &mut Report) {
        let collections = &settings.reconciliation.collections;
        for (at, collection) in collections.iter().copied().enumerate() {
            let mut swept = Swept::default();
            let ended = self.sweep(settings, tenant, collection, run, &mut swept).await;
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

fn log(report: &Report) {
    let gaps_found: usize = report.gaps_found.values().sum();
    tracing::info!(
        gaps_found,
        tenants = report.tenants,
        finished = report.finished,
        unfinished = report.unfinished,
        calls = report.calls,
        expired = report.expired,
        requeued = report.requeued.notifications + report.requeued.feedback,
        released = report.released,
        "reconciled"
    );
}

fn note_gaps(report: &mut Report, tenant: &str, collection: Collection, gaps: usize) {
    if gaps > 0 {
        tracing::warn!(tenant, collection = %collection, gaps_found = gaps, "webhooks that never arrived");
        *report.gaps_found.entry(collection).or_default() += gaps;
    }
}

/// Whether the tenant's other lists would fare no better.
fn concerns_tenant(error: &SweepError) -> bool {
    let reasons = [Reason::RateLimited, Reason::TenantNotApproved, Reason::TokenRefused, Reason::CompanyTenantNeeded];
    matches!(error, SweepError::Visma(error) if reasons.contains(&error.next().reason()))
}
