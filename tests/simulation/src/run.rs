//! One run: some time with the chosen events and faults, then calm until everything is at rest.

use crate::actors::{Function, Instance};
use crate::check::{Invariant, Met, Violation};
use crate::faults::Fault;
use crate::model::erp::Mood;
use crate::planted::{Planted, Sabotage};
use crate::ports::{READS_SETTINGS, SENDS_LATE};
use crate::world::{Fate, Name, Sim, World};
use std::collections::BTreeSet;
use time::Duration;

/// A run with more steps than this will never be at rest.
const MOST_STEPS_TO_REST: usize = 20_000;
const MOST_SWEEPS: usize = 7;

/// The plan of a run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub seed: u64,
    /// Given decisions instead of the seed's; zeros follow.
    pub script: Option<Vec<u32>>,
    pub sabotage: Option<Sabotage>,
    pub planted: Option<Planted>,
    /// Whether to record the story.
    pub tells: bool,
}

#[derive(Debug, Clone)]
pub struct Outcome {
    pub violation: Option<Violation>,
    /// Every decision, to repeat the run.
    pub script: Vec<u32>,
    pub story: Vec<String>,
    pub steps: usize,
    pub calls: u64,
    /// The number of notifications that SQS accepted.
    pub accepted: usize,
    pub faults: u32,
    /// The rare situations that occurred.
    pub met: BTreeSet<Met>,
}

/// Runs the plan. The same plan always gives the same outcome.
pub fn run(plan: &Plan) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without threads").block_on(Run::new(plan).finished())
}

impl World {
    /// Stops all faults. Returns whether there is a secret that is no longer valid.
    fn calms_down(&mut self) -> bool {
        self.rates = self.rates.without_faults();
        self.erp.mood = Mood::Fine;
        self.tell("calm", || "faults have stopped".to_owned());
        self.secrets.expired(self.now).is_some()
    }
}

/// The time after which the reconciler treats a notification as stuck (`stuck_hours` of the
/// settings), and a little more.
pub(crate) const TO_BE_STUCK: Duration = Duration::minutes(66);
/// How long an outcome is awaited, by the settings of the runs.
const TO_THE_DEADLINE: Duration = Duration::days(14);

pub(crate) struct Run {
    pub(crate) sim: Sim,
    pub(crate) instances: Vec<Instance>,
    pub(crate) changes_left: usize,
    pub(crate) steps: usize,
    pub(crate) last_sweep: Option<(bool, usize)>,
}

impl Run {
    fn new(plan: &Plan) -> Self {
        let mut world = World::new(plan.seed, plan.script.clone(), plan.sabotage, plan.tells);
        if let Some(bug) = plan.planted {
            world.plant(bug);
        }
        let changes_left = 1 + world.choices.below(6);
        Self { sim: Sim::new(world), instances: Vec::new(), changes_left, steps: 0, last_sweep: None }
    }

    async fn finished(mut self) -> Outcome {
        let most_steps = [40, 120, 300][self.sim.world().choices.below(3)];
        while self.steps < most_steps && !self.is_broken() && self.step().await {}
        self.come_to_rest().await;
        self.look_at_rest().await;
        self.months_go_by().await;
        self.forget().await;
        let mut world = self.sim.world();
        if let Some(violation) = world.checks.violation.clone() {
            world.tell("checks", || violation.to_string());
        }
        let story = world.take_story();
        let (calls, faults, accepted) = (world.calls_made, world.checks.faults, world.checks.accepted.len());
        let (violation, met) = (world.checks.violation.take(), std::mem::take(&mut world.checks.met));
        let script = std::mem::replace(&mut world.choices, crate::choice::Choices::new(0, None)).into_log();
        drop(world);
        Outcome { violation, script, story, steps: self.steps, calls, accepted, faults, met }
    }

    pub(crate) async fn look_at_rest(&mut self) {
        let is_awaited = {
            let World { checks, table, .. } = &mut *self.sim.world();
            checks.awaits_outcomes(table)
        };
        if is_awaited && !self.is_broken() {
            self.advance(TO_THE_DEADLINE).await;
            self.sweep_until_quiet().await;
        }
        if self.is_broken() {
            return;
        }
        let World { checks, table, erp, .. } = &mut *self.sim.world();
        checks.at_rest(table, erp);
        checks.commands_at_rest();
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.sim.world().checks.violation.is_some()
    }

    /// Makes one step. `false` if there is nothing left to do.
    pub(crate) async fn step(&mut self) -> bool {
        self.steps += 1;
        self.trouble().await;
        let disorder = self.sim.world().rates.of(Fault::Disorder) * 6;
        if self.sim.world().choices.chance(disorder) { self.disorderly().await } else { self.natural().await }
    }

    /// The next step in the normal order.
    async fn natural(&mut self) -> bool {
        self.sim.world().move_exhausted();
        let next = self.sim.world().next_call();
        if let Some(at) = next {
            self.settle_call(at);
            return true;
        }
        if [Name::Notifications, Name::Feedback, Name::Repairs].into_iter().any(|queue| self.poll_queue(queue, 10)) {
            return true;
        }
        self.deliver_next() || self.consume_event() || self.change_something() || self.advance_to_next().await
    }

    async fn disorderly(&mut self) -> bool {
        self.sim.world().move_exhausted();
        let choice = self.sim.world().choices.pick(&[6, 2, 2, 2, 1, 2, 1]);
        match choice {
            0 => {
                let mut world = self.sim.world();
                let count = world.calls.len();
                let at = if count == 0 { 0 } else { world.choices.below(count) };
                drop(world);
                if count > 0 {
                    self.settle_call(at);
                }
            }
            1 | 2 => {
                let queue = if choice == 1 { Name::Notifications } else { Name::Feedback };
                let most = 1 + self.sim.world().choices.below(4);
                self.poll_queue(queue, most);
            }
            3 => {
                self.deliver_next();
            }
            4 => {
                self.consume_event();
            }
            6 => {
                self.poll_queue(Name::Repairs, 1);
            }
            _ => {
                self.change_something();
            }
        }
        true
    }

    /// Decides the result of a call, and wakes the function that waits for it.
    pub(crate) fn settle_call(&mut self, at: usize) {
        let mut world = self.sim.world();
        let call = world.calls.remove(at);
        let who = world.name_of(call.instance);
        if call.is_orphan {
            let even_odds = if world.rates.is_calm() { 0 } else { 500 };
            let lands = call.what == SENDS_LATE || world.choices.chance(even_odds);
            if lands {
                world.tell(&who, || format!("{}, long after: it arrives", call.what));
                (call.act)(&mut world, Fate::Land);
            }
            return;
        }
        let faults =
            [Fault::Refusal, Fault::LostAnswer, Fault::Hang, Fault::Crash].map(|fault| world.rates.of(fault) / 2);
        let [refusal, lost, hang, crash] = faults;
        let weights = [1000, refusal, lost, hang / 2, hang / 2, crash / 3, crash / 3, crash / 3];
        let fate = world.choices.pick(&weights);
        if fate > 0 {
            world.checks.faults += 1;
            world.touch(call.instance);
            if call.what == READS_SETTINGS {
                world.unread.insert(call.instance);
            }
            let what = [
                "",
                "is refused",
                "and the answer is lost",
                "and hears nothing",
                "and hears nothing, though it happened",
            ];
            world.tell(&who, || format!("{} {}", call.what, what.get(fate).unwrap_or(&"and dies")));
        }
        match fate {
            0 => (call.act)(&mut world, Fate::Answer),
            1 => (call.act)(&mut world, Fate::Refuse),
            2 => (call.act)(&mut world, Fate::LoseAnswer),
            4 | 6 => (call.act)(&mut world, Fate::Land),
            7 if call.is_write => {
                let (instance, what) = (call.instance, call.what);
                world.call_later(instance, what, call.act);
            }
            _ => drop(call.act),
        }
        drop(world);
        match fate {
            0..=2 => {
                if let Some(waker) = call.waker {
                    waker.wake();
                }
                self.go_on(call.instance);
            }
            5.. => self.crash(call.instance),
            _ => {}
        }
    }

    pub(crate) fn change_something(&mut self) -> bool {
        let changes = self.changes_left > 0;
        if changes {
            self.changes_left -= 1;
            self.sim.world().something_changes();
        }
        changes
    }

    async fn come_to_rest(&mut self) {
        self.changes_left = 0;
        self.steps = 0;
        let has_expired_secret = self.sim.world().calms_down();
        if has_expired_secret && !self.is_broken() {
            self.forge(true);
        }
        self.drain().await;
        self.wind_up().await;
        if !self.is_broken() {
            self.redrive();
            self.drain().await;
        }
        {
            let World { checks, table, .. } = &mut *self.sim.world();
            checks.ended_without_the_reconciler(table);
        }
        self.sweep_until_quiet().await;
    }

    /// Sweeps until the reconciler finds nothing.
    pub(crate) async fn sweep_until_quiet(&mut self) {
        self.last_sweep = None;
        let mut wait = TO_BE_STUCK;
        let mut in_vain = 0;
        for _ in 0..MOST_SWEEPS {
            in_vain = if self.last_sweep == Some((true, 0)) { in_vain + 1 } else { 0 };
            // The first run may only have finished a sweep that began before the last changes.
            if self.is_broken() || in_vain == 2 {
                return;
            }
            self.last_sweep = None;
            self.advance(wait).await;
            wait = Duration::minutes(6);
            self.start_sweep();
            self.drain().await;
        }
        let mut world = self.sim.world();
        world.checks.violated(Invariant::ForwardOnly, "every sweep finds gaps".into());
    }

    pub(crate) async fn drain(&mut self) {
        while !self.is_broken() && self.natural().await {
            self.steps += 1;
            if self.steps > MOST_STEPS_TO_REST {
                let what = "faults have stopped, but the run does not come to rest".to_owned();
                return self.sim.world().checks.violated(Invariant::OneTerminalState, what);
            }
        }
    }

    pub(crate) fn running(&self, function: Function) -> usize {
        self.instances.iter().filter(|one| one.running.is_some() && self.function_of(one.id) == function).count()
    }

    pub(crate) fn function_of(&self, instance: usize) -> Function {
        self.sim.world().actors[instance].function
    }
}
