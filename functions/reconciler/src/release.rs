//! Releases notifications that wait in the ledger for their tenant's quota, at the pace of the
//! quota.

use crate::ports::{Ports, Reconciler};
use crate::reconciler::Report;
use crate::run::Run;
use crate::sweep::SweepError;
use webhooks_host::Host;
use webhooks_model::{Allowance, LedgerKey, sorted};
use webhooks_store::Mark;

impl<P: Ports> Reconciler<P> {
    /// Releases for each tenant by its own quota. Tenants served longest ago come first.
    pub(crate) async fn release(
        &self,
        only: Option<&str>,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let mut allowances = self.sweeps.allowances().await?;
        let is_meant = |tenant: &str| only.is_none_or(|only| only.eq_ignore_ascii_case(tenant));
        allowances.retain(|one| is_meant(&one.tenant) && !run.orders.leave_alone(&one.tenant));
        let since = |one: &Allowance| one.released_to.unwrap_or(one.resets_at);
        for allowance in &sorted::by(allowances, |one, other| since(one).cmp(&since(other))) {
            self.release_tenant(allowance, run, report).await?;
        }
        Ok(())
    }

    async fn release_tenant(
        &self,
        allowance: &Allowance,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let (tenant, now) = (&allowance.tenant, self.host.now());
        let room = allowance.room(now).min(run.releases_left());
        if room == 0 {
            return Ok(());
        }
        let mut released = 0;
        let mut result = Ok(());
        for key in self.sweeps.waiting(tenant, room).await? {
            if !run.take_release(self.host.now()) {
                break;
            }
            result = self.let_go(&key, run).await;
            if result.is_err() {
                break;
            }
            released += 1;
        }
        report.released += released;
        if released > 0 {
            tracing::info!(tenant, released, "notifications continue with the tenant's quota");
            self.sweeps.set_released(tenant, allowance.given_after(released, now), now).await?;
        }
        result
    }

    /// Queues the message first, then removes the mark. If the run dies in between, the next one
    /// releases it again. The notification is watched from then on, in case the message is lost.
    async fn let_go(&self, key: &LedgerKey, run: &Run<'_>) -> Result<(), SweepError> {
        if let Some(delivery) = self.sweeps.replay(key).await? {
            self.queue_delivery(key, &delivery, run).await?;
        }
        Ok(self.sweeps.watch(key, Mark::Retrying, self.host.now()).await?)
    }
}
