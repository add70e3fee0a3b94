//! Months go by when everything has come to rest. DynamoDB deletes what has expired, some of it late. Where there is an operator, a
//! pause lasts for longer than anything is kept.

use crate::check::Command;
use crate::model::erp::TENANTS;
use crate::run::{Run, TO_BE_STUCK};
use crate::world::World;
use time::Duration;

/// Of a thousand runs.
const OFTEN: u32 = 50;
/// Nothing has expired by then, so what is written by then is to be kept for longer than what was there.
const AT_FIRST: Duration = Duration::days(60);
const AND_THEN: Duration = Duration::days(40);
/// Of all queues.
const ON_QUEUES: Duration = Duration::days(14);
/// So many of a thousand items are deleted soon after their time.
const SOON: u32 = 700;

impl World {
    fn forgets_what_is_old(&mut self) {
        let now = self.now;
        for queue in self.queues.values_mut() {
            queue.messages.retain(|message| now - message.sent_at < ON_QUEUES);
            queue.deleted.clear();
        }
        let expired = self.table.expired(now);
        if !expired.is_empty() {
            // The retention outlasts every repetition.
            self.erp.deliveries.clear();
        }
        let World { checks, table, .. } = self;
        checks.meets_what_is_kept(table, now);
        for (pk, sk) in expired {
            let is_soon = self.choices.chance(SOON);
            let item = self.table.get(&pk, &sk).filter(|_| is_soon).cloned();
            if let Some(item) = item {
                self.checks.expires(&item, now);
                self.table.delete(&pk, &sk);
                self.tell("dynamodb", || format!("deletes {sk} of {pk}, which has expired"));
            }
        }
    }
}

impl Run {
    /// In some runs.
    pub(crate) async fn months_go_by(&mut self) {
        if self.is_broken() || !self.sim.world().choices.chance(OFTEN) {
            return;
        }
        let has_operator = !self.sim.world().checks.commands.is_empty();
        let paused = (Some(TENANTS[0].0.to_owned()), "*".to_owned());
        if has_operator {
            let (tenant, events) = paused.clone();
            self.in_calm(Command::Pause(tenant, events)).await;
            self.something_happens().await;
        }
        self.grows_old(AT_FIRST).await;
        self.something_happens().await;
        self.grows_old(AND_THEN).await;
        if has_operator {
            let (tenant, events) = paused;
            self.in_calm(Command::EndOfPause(tenant, events)).await;
        }
        self.something_happens().await;
        self.sweep_until_quiet().await;
        self.look_at_rest();
    }

    async fn grows_old(&mut self, by: Duration) {
        self.advance(by).await;
        self.sim.world().forgets_what_is_old();
    }

    /// Swept once: of what is paused, sweep after sweep finds gaps.
    async fn something_happens(&mut self) {
        self.steps = 0;
        self.changes_left = 1 + self.sim.world().choices.below(3);
        self.drain().await;
        self.advance(TO_BE_STUCK).await;
        self.start_sweep();
        self.drain().await;
    }
}
