//! What follows in some runs after everything is at rest.
//!
//! - Months pass. DynamoDB deletes expired items, some of them late. With an operator, a pause
//!   lasts longer than the retention.
//! - An operator erases a tenant while it is at work, calls fail, and the reconciler runs.
//!   Afterwards queues hand out messages of before, and the tenant goes on.

use crate::actors::Function;
use crate::check::{Command, Invariant};
use crate::faults::Rates;
use crate::model::erp::TENANTS;
use crate::model::secrets::Names;
use crate::model::table::{TableModel, keys_of, text};
use crate::run::{Run, TO_BE_STUCK};
use crate::world::{Name, World};
use std::collections::BTreeSet;
use time::Duration;
use webhooks_store::Item;

/// Of a thousand runs, the number that last for months.
const LONG: u32 = 50;
/// Nothing has expired after this time, so items written then must outlast the earlier ones.
const AT_FIRST: Duration = Duration::days(60);
const AND_THEN: Duration = Duration::days(40);
/// The retention of all queues.
const ON_QUEUES: Duration = Duration::days(14);
/// Of a thousand expired items, the number that DynamoDB deletes soon.
const SOON: u32 = 700;

/// The number of erasures in a thousand runs with an operator.
const ERASED: u32 = 200;
/// The partition in which each tenant has an entry under its id.
const DIRECTORY: &str = "tenants";
/// The most steps of the tenant before it is paused, before the erasure, and during it.
const MOST_STEPS: usize = 25;
/// How long before its time-out a slow run of the reconciler goes on, in seconds.
const BEFORE_TIME_OUT: [i64; 3] = [1, 60, 150];
/// The most messages that come again after the erasure.
const MOST_AGAIN: usize = 3;

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
        if self.is_broken() || !self.sim.world().choices.chance(LONG) {
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
        self.look_at_rest().await;
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

impl World {
    /// Checks the table at the end of an erasure.
    fn is_forgotten(&mut self, others: &BTreeSet<(String, String)>, tenant: &str) {
        let now = self.now;
        let World { checks, table, .. } = self;
        checks.erasure_has_ended(now);
        checks.jobs_have_ended(table);
        checks.nothing_is_left_of_before(table, true);
        // A record of an unknown tenant may have moved to this one since.
        let is_own = |sk: &str| {
            let part = sk.strip_prefix("RAW#").and_then(|rest| rest.rsplit_once('#'));
            checks.may_be_erased(&part.map_or_else(|| sk.to_owned(), |(key, _)| format!("N#{key}")))
        };
        let gone = others - &beside(table, tenant);
        if let Some((pk, sk)) = gone.into_iter().find(|(_, sk)| !is_own(sk)) {
            checks.violated(Invariant::ErasedIsErased, format!("{sk} of {pk} was erased as well"));
        }
    }

    /// SQS hands out deleted messages once more.
    fn hands_out_old_messages(&mut self) {
        for _ in 0..self.choices.below(MOST_AGAIN + 1) {
            let name = [Name::Notifications, Name::Feedback][self.choices.below(2)];
            let count = self.queue(name).deleted.len();
            if count > 0 {
                let (at, now) = (self.choices.below(count), self.now);
                let mut again = self.queue(name).deleted.remove(at);
                again.visible_at = now;
                self.checks.faults += 1;
                self.tell("sqs", || format!("hands out message {} again, though it was deleted", again.id));
                self.queue(name).messages.push(again);
            }
        }
    }
}

impl Run {
    /// Erases a tenant in some of the runs with an operator.
    pub(crate) async fn forget(&mut self) {
        let is_idle = self.sim.world().checks.commands.is_empty();
        if is_idle || self.is_broken() || !self.sim.world().choices.chance(ERASED) {
            return;
        }
        let (tenant, others) = {
            let mut world = self.sim.world();
            let tenant = TENANTS[world.choices.below(TENANTS.len())].0;
            (tenant, beside(&world.table, tenant))
        };
        self.erase_at_work(tenant).await;
        // The tenant is still paused, so this run says nothing about it.
        self.start_sweep();
        self.drain().await;
        if self.is_broken() {
            return;
        }
        self.sim.world().is_forgotten(&others, tenant);
        self.go_on_after(tenant).await;
        if self.is_broken() {
            return;
        }
        {
            let World { checks, table, .. } = &mut *self.sim.world();
            checks.nothing_is_left_of_before(table, false);
            checks.jobs_have_ended(table);
        }
        self.look_at_rest().await;
    }

    /// Pauses and erases the tenant while notifications come, calls fail, and the reconciler runs.
    async fn erase_at_work(&mut self, tenant: &str) {
        {
            let mut world = self.sim.world();
            // Its notifications are its own only if its company number is right.
            let names = world.secrets.names();
            if !names.has_company {
                world.rewrite_names(Names { has_company: true, ..names });
            }
            world.rates = Rates::of_calls(&mut world.choices);
            world.tell("calm", || "calls fail again".to_owned());
        }
        self.steps = 0;
        self.changes_left = 2 + self.sim.world().choices.below(5);
        let pause = Command::Pause(Some(tenant.to_owned()), "*".to_owned());
        // None, one that ends late, or one that begins late.
        let sweep = self.sim.world().choices.below(3);
        self.work_on().await;
        if sweep == 1 {
            self.begin_slow_sweep().await;
        }
        let paused = self.ask(pause.clone());
        self.work_on().await;
        let mut erased = None;
        if paused.is_some_and(|paused| self.sim.world().checks.commands.is_accepted(paused)) {
            erased = self.ask_to_erase(tenant);
            self.work_on().await;
            if sweep == 2 {
                self.start_sweep();
            }
        }
        {
            let mut world = self.sim.world();
            world.rates = world.rates.without_faults();
        }
        self.drain().await;
        if erased.is_some_and(|erased| self.sim.world().checks.commands.is_accepted(erased)) {
            return;
        }
        self.in_calm(pause).await;
        let erased = self.ask_to_erase(tenant);
        self.drain().await;
        let mut world = self.sim.world();
        let commands = &mut world.checks.commands;
        if !erased.is_some_and(|erased| commands.is_accepted(erased)) {
            commands.found("faults have stopped, but the erasure is not accepted".to_owned());
        }
    }

    /// Begins a run of the reconciler that gets no more answers after some steps, until shortly before
    /// its time-out.
    async fn begin_slow_sweep(&mut self) {
        self.start_sweep();
        self.work_on().await;
        let busy =
            self.instances.iter().find(|one| one.running.is_some() && self.function_of(one.id) == Function::Reconciler);
        let Some((id, deadline)) = busy.and_then(|one| Some((one.id, one.running.as_ref()?.deadline))) else { return };
        let mut world = self.sim.world();
        let before = Duration::seconds(BEFORE_TIME_OUT[world.choices.below(BEFORE_TIME_OUT.len())]);
        world.slow = Some((id, deadline - before));
        let who = world.name_of(id);
        world.tell(&who, || "gets no more answers for minutes".to_owned());
    }

    fn ask_to_erase(&mut self, tenant: &str) -> Option<usize> {
        {
            let mut world = self.sim.world();
            let now = world.now;
            world.checks.erasure_is_asked(tenant, now);
        }
        self.ask(Command::Erase(tenant.to_owned()))
    }

    async fn work_on(&mut self) {
        let steps = self.sim.world().choices.below(MOST_STEPS);
        for _ in 0..steps {
            if self.is_broken() || !self.step().await {
                return;
            }
        }
    }

    /// Old messages come again, dead letters are redriven, the pause ends, and the tenant works.
    async fn go_on_after(&mut self, tenant: &str) {
        self.sim.world().hands_out_old_messages();
        self.changes_left = 1 + self.sim.world().choices.below(3);
        self.redrive();
        self.drain().await;
        self.in_calm(Command::EndOfPause(Some(tenant.to_owned()), "*".to_owned())).await;
        self.sim.world().hands_out_old_messages();
        self.drain().await;
        self.redrive();
        self.drain().await;
        self.sweep_until_quiet().await;
    }
}

/// The names of everything else. A record of an unknown tenant that continued as one of this tenant
/// belongs to it.
fn beside(table: &TableModel, tenant: &str) -> BTreeSet<(String, String)> {
    let of_tenant = format!("{tenant}#");
    let is_own = |(pk, sk): &(String, String)| pk.starts_with(&of_tenant) || (pk == DIRECTORY && sk == tenant);
    let moves = |item: &Item, name: &str| text(item, name).is_some_and(|place| place.contains(tenant));
    let others = table.items().filter(|item| !moves(item, "moved_to") && !moves(item, "moved_from"));
    others.filter_map(keys_of).filter(|name| !is_own(name)).collect()
}
