//! Months pass after everything is at rest. DynamoDB deletes expired items, some of them late. With
//! an operator, a pause lasts longer than the retention.

use crate::check::Command;
use crate::model::erp::TENANTS;
use crate::run::{Run, TO_BE_STUCK};
use crate::world::World;
use time::Duration;

/// The number of such runs in a thousand.
const OFTEN: u32 = 50;
/// Nothing has expired after this time, so items written then must outlast the earlier ones.
const AT_FIRST: Duration = Duration::days(60);
const AND_THEN: Duration = Duration::days(40);
/// The retention of all queues.
const ON_QUEUES: Duration = Duration::days(14);
/// Of a thousand expired items, the number that DynamoDB deletes soon.
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
            // The retention is longer than any repetition.
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
    /// Lets months pass in some runs.
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

    /// Sweeps only once, since every sweep finds gaps about paused entities.
    async fn something_happens(&mut self) {
        self.steps = 0;
        self.changes_left = 1 + self.sim.world().choices.below(3);
        self.drain().await;
        self.advance(TO_BE_STUCK).await;
        self.start_sweep();
        self.drain().await;
    }
}
