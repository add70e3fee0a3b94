//! Sweeps all lists of all tenants in rounds, one page each, so that a long list does not delay the
//! others.

use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use crate::sweep::{Progress, Sweep, SweepError};
use std::collections::HashSet;
use webhooks_host::Host;
use webhooks_model::{Collection, Reason};
use webhooks_settings::Settings;

/// A tenant, and one of its collections.
pub(crate) type List = (String, Collection);

impl<P: Ports> Reconciler<P> {
    /// Sweeps from `first` on until the lists or the budget end. Returns the first list without a
    /// turn, where the next run begins. So each list gets its turn after a number of runs, however
    /// small the budget.
    pub(crate) async fn sweep_all<'s>(
        &self,
        settings: &Settings,
        tenants: &[&'s str],
        first: Option<&List>,
        run: &mut Run<'_>,
    ) -> (Vec<Sweep<'s>>, Option<List>) {
        let mut lists = in_order(tenants, &settings.reconciliation.collections, first);
        let mut refused = HashSet::new();
        let mut has_moved = true;
        'rounds: while has_moved {
            has_moved = false;
            for at in 0..lists.len() {
                let sweep = &lists[at];
                if !sweep.is_open() || refused.contains(sweep.tenant) || !run.may_ask(sweep.tenant) {
                    continue;
                }
                let waits = |other: &Sweep<'_>| other.progress == Progress::Waiting;
                run.others_wait = lists[at + 1..].iter().any(waits);
                let sweep = &mut lists[at];
                if run.is_spent(self.host.now()) {
                    break 'rounds;
                }
                has_moved = true;
                if let Err(error) = self.take_turn(settings, sweep, run).await {
                    sweep.progress = Progress::Stopped;
                    warn(sweep, &error);
                    if concerns_tenant(&error) {
                        refused.insert(sweep.tenant);
                    }
                }
            }
        }
        let waits = |sweep: &&Sweep<'_>| sweep.progress == Progress::Waiting && !refused.contains(sweep.tenant);
        let next = lists.iter().find(waits).map(|sweep| (sweep.tenant.to_owned(), sweep.collection));
        (lists, next)
    }
}

/// The same list of all tenants, then the next list, so that tenants also take turns.
fn in_order<'s>(tenants: &[&'s str], collections: &[Collection], first: Option<&List>) -> Vec<Sweep<'s>> {
    let of_all = |collection: &Collection| {
        let collection = *collection;
        tenants.iter().map(move |&tenant| Sweep::new(tenant, collection))
    };
    let mut lists: Vec<Sweep<'s>> = collections.iter().flat_map(of_all).collect();
    let is_first = |sweep: &Sweep<'_>| {
        first.is_some_and(|(tenant, collection)| sweep.tenant == tenant && sweep.collection == *collection)
    };
    let begin = lists.iter().position(is_first).unwrap_or(0);
    lists.rotate_left(begin);
    lists
}

fn warn(sweep: &Sweep<'_>, error: &SweepError) {
    let (tenant, collection, reason) = (sweep.tenant, sweep.collection, error.next().reason());
    tracing::warn!(tenant, collection = %collection, reason = reason.as_str(), "sweep ended early: {error}");
}

/// Whether the tenant's other lists would fail as well.
fn concerns_tenant(error: &SweepError) -> bool {
    let reasons = [Reason::RateLimited, Reason::TenantNotApproved, Reason::TokenRefused, Reason::CompanyTenantNeeded];
    matches!(error, SweepError::Visma(error) if reasons.contains(&error.next().reason()))
}
