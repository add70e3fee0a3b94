//! A run over the lists of all tenants, within a budget.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use crate::sweep::{Progress, Sweep, SweepError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::Collection;
use webhooks_queue::Trace;
use webhooks_settings::{LoadError, Settings, Tenant};
use webhooks_store::{Place, StoreError};

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Settings(#[from] LoadError),
    /// Whatever is written of a tenant could be data that an operator was told is erased.
    #[error("the erasures are unknown, so nothing is written: {0}")]
    Erasures(#[source] StoreError),
}

/// The results of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    pub tenants: usize,
    /// Lists swept to their end.
    pub finished: usize,
    /// Lists left to the next run: out of budget, out of quota, or without an answer.
    pub unfinished: usize,
    pub calls: u32,
    pub gaps_found: BTreeMap<Collection, usize>,
    /// Lists where many rows changed all at once, or were touched without a change.
    pub mass_changes: BTreeMap<Collection, usize>,
    /// Rows without a readable key or time, and lists without pages that came without all rows.
    pub unreadable: BTreeMap<Collection, usize>,
    /// Silent tenants, by the directory where a run had no time to check; `None` if the table did not
    /// answer.
    pub silent: Option<usize>,
    /// Silent subscriptions; `None` if they were not checked.
    pub silent_subscriptions: Option<usize>,
    /// Outcomes that did not come in time. Their accountants are told.
    pub expired: usize,
    /// Stuck work that was queued again.
    pub requeued: Requeued,
    /// Notifications that were not checked for a lost message, since only a newer version can read
    /// their records.
    pub unread: usize,
    /// Notifications that waited for their tenant's quota and continue.
    pub released: usize,
    /// Pauses that were over and are now recorded as ended.
    pub pauses_ended: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Requeued {
    pub notifications: usize,
    pub feedback: usize,
}

impl<P: Ports> Reconciler<P> {
    /// Runs for at most `time`, over every tenant or over one. Queued messages continue `trace`.
    ///
    /// # Errors
    /// The settings or the erasures cannot be read. Other faults are reported, and their work continues
    /// in the next run.
    pub async fn run(
        &self,
        request_id: &str,
        time: Duration,
        only: Option<&str>,
        trace: Option<&Trace>,
    ) -> Result<Report, RunError> {
        let settings = self.settings.get().await?;
        let orders = self.sweeps.orders(self.host.now()).await.map_err(RunError::Erasures)?;
        let mut run = Run::new(&settings, self.host.now(), time, trace, orders);
        let mut report = Report::default();
        let is_wanted = |tenant: &&str| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant));
        let served = settings.tenants.iter().filter(|tenant| !run.orders.leave_alone(&tenant.id));
        let served: Vec<&Tenant> = served.collect();
        let tenants: Vec<&str> = served.iter().map(|tenant| tenant.id.as_str()).filter(is_wanted).collect();
        report.tenants = tenants.len();
        let others = self.others(&settings, only, &run).await;
        let searched: Vec<&str> = tenants.iter().copied().chain(others.iter().map(String::as_str)).collect();
        let begun = if only.is_none() { self.place(&searched).await } else { Place::default() };
        let mut ended = begun.clone();
        if only.is_none() {
            report.pauses_ended = self.count_ended_pauses(&run).await;
        }
        // Goes first, since it is quick, and slow lists may take all the time.
        match self.settle(&settings, &searched, (only, begun.feed.as_deref()), &mut run, &mut report).await {
            Ok(next) => ended.feed = next.or(ended.feed),
            Err(error) => {
                let reason = error.next().reason();
                tracing::warn!(reason = reason.as_str(), "overdue and stuck work is left to the next run: {error}");
            }
        }
        if let Err(error) = self.release(only, &mut run, &mut report).await {
            let reason = error.next().reason();
            tracing::warn!(reason = reason.as_str(), "waiting notifications are left to the next run: {error}");
        }
        let counted_to = if only.is_none() { self.count_hours(&tenants, &mut ended.hours, &run).await } else { None };
        let (lists, next) = self.sweep_all(&settings, &tenants, begun.list.as_ref(), &mut run).await;
        lists.iter().for_each(|sweep| note(&mut report, sweep));
        ended.list = next.or(ended.list);
        if only.is_none() {
            self.remember(&begun, &ended).await;
            let saved = ended.clone();
            let heard = self.listen(&settings, &served, &mut ended.silence, &run).await;
            self.remember(&saved, &ended).await;
            report.silent = heard.as_ref().map(|heard| heard.iter().filter(|one| one.is_silent).count());
            self.write_directory(&served, heard.as_deref(), &run).await;
            report.silent_subscriptions = self.count_silent_subscriptions(&settings).await;
            if let Some(counted_to) = counted_to {
                self.summarise(counted_to, report.tenants, report.silent).await;
            }
        }
        report.calls = settings.reconciliation.max_calls - run.calls_left();
        self.count(&report);
        self.metrics.flush(request_id);
        log(&report);
        Ok(report)
    }

    /// The tenants that the settings do not have, but the table knows. Their messages may be lost, too.
    async fn others(&self, settings: &Settings, only: Option<&str>, run: &Run<'_>) -> BTreeSet<String> {
        let warn = |error: &StoreError| tracing::warn!("only the tenants of the settings are searched: {error}");
        let mut seen = self.sweeps.seen_tenants().await.inspect_err(warn).unwrap_or_default();
        for tenant in &settings.tenants {
            seen.remove(&tenant.id.to_lowercase());
        }
        let is_wanted = |tenant: &str| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant));
        seen.retain(|tenant| is_wanted(tenant) && !run.orders.leave_alone(tenant));
        seen
    }

    async fn count_ended_pauses(&self, run: &Run<'_>) -> usize {
        let warn = |error: &SweepError| {
            let reason = error.next().reason();
            tracing::warn!(reason = reason.as_str(), "pauses that are over are left to the next run: {error}");
        };
        self.end_pauses(run).await.inspect_err(warn).unwrap_or_default()
    }

    /// Returns the time up to which every tenant is counted.
    async fn count_hours(&self, tenants: &[&str], next: &mut Option<String>, run: &Run<'_>) -> Option<OffsetDateTime> {
        let counted = self.roll_up(tenants, next, run).await;
        let warn = |error: &StoreError| tracing::warn!("the roll-ups are left to the next run: {error}");
        counted.inspect_err(warn).ok().flatten()
    }

    /// Where the last run ended; the beginning if that is unknown.
    async fn place(&self, tenants: &[&str]) -> Place {
        let place = self.sweeps.place(tenants).await;
        place.inspect_err(|error| tracing::warn!("the end of the last run is unknown: {error}")).unwrap_or_default()
    }

    async fn remember(&self, begun: &Place, ended: &Place) {
        if begun != ended
            && let Err(error) = self.sweeps.set_place(ended, self.host.now()).await
        {
            tracing::warn!("the end of this run was not recorded: {error}");
        }
    }

    fn count(&self, report: &Report) {
        let gaps = each(&report.gaps_found, |collection| Metric::GapsFound { collection });
        let mass = each(&report.mass_changes, |collection| Metric::MassChanges { collection });
        let unreadable = each(&report.unreadable, |collection| Metric::RowsUnreadable { collection });
        let swept = std::iter::repeat_n(Metric::ListsSwept, report.finished);
        let unfinished = std::iter::repeat_n(Metric::ListsUnfinished, report.unfinished);
        let silent = report.silent.map(Metric::SilentTenants);
        let silent = silent.into_iter().chain(report.silent_subscriptions.map(Metric::SilentSubscriptions));
        let expired = std::iter::repeat_n(Metric::OutcomesExpired, report.expired);
        let stuck = [("notification", report.requeued.notifications), ("feedback", report.requeued.feedback)];
        let stuck =
            stuck.into_iter().flat_map(|(kind, many)| std::iter::repeat_n(Metric::StuckRequeued { kind }, many));
        let lists = gaps.chain(mass).chain(unreadable).chain(swept).chain(unfinished).chain(silent);
        self.metrics.record(None, lists.chain(expired).chain(stuck));
    }
}

/// The metric, repeated as often as each list's count.
fn each(counts: &BTreeMap<Collection, usize>, metric: impl Fn(&'static str) -> Metric) -> impl Iterator<Item = Metric> {
    counts.iter().flat_map(move |(collection, count)| std::iter::repeat_n(metric(collection.as_str()), *count))
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
        unread = report.unread,
        released = report.released,
        pauses_ended = report.pauses_ended,
        silent_subscriptions = report.silent_subscriptions,
        "reconciled"
    );
}

/// Adds the result of a list, and logs what needs a person.
fn note(report: &mut Report, sweep: &Sweep<'_>) {
    let (tenant, collection, found) = (sweep.tenant, sweep.collection, &sweep.found);
    let is_finished = sweep.progress == Progress::Finished;
    report.finished += usize::from(is_finished);
    report.unfinished += usize::from(!is_finished);
    let gaps = found.gaps();
    if gaps > 0 {
        tracing::warn!(tenant, collection = %collection, gaps_found = gaps, "webhooks that never arrived");
        *report.gaps_found.entry(collection).or_default() += gaps;
    }
    if found.is_mass_change() {
        let (touched, queued) = (found.touched, found.at_once());
        tracing::warn!(tenant, collection = %collection, touched, queued, "mass change");
        *report.mass_changes.entry(collection).or_default() += 1;
    }
    if found.unreadable() > 0 {
        let (without_key, without_time, absent) = (found.without_key, found.without_time, found.absent);
        tracing::warn!(tenant, collection = %collection, without_key, without_time, absent, "rows that cannot be read");
        *report.unreadable.entry(collection).or_default() += found.unreadable();
    }
}
